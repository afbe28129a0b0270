//! The last good policy that this machine keeps.

use claviger_wire::{ExitCode, Failure};

use crate::{
    cli::{CliError, config::check::all_problems, places},
    clock::{Now, Timestamp},
    config::{self, Config},
    paths::Starter,
    policy::{PolicyState, SignedPolicy, Standing, verify},
    policy_watch,
};

/// The policy that the user's daemon has kept, verified with the pinned keys.
pub(super) struct KeptPolicy {
    /// The policy.
    pub(super) signed: SignedPolicy,
    /// When it was last seen to be the published one, or not long before the last time.
    pub(super) seen_at: Timestamp,
    /// Whether a daemon that starts now obeys it before it has looked for a newer one.
    pub(super) is_in_force: bool,
    /// Where it is published.
    pub(super) place: String,
}

impl KeptPolicy {
    /// Reads it at `now`, and the configuration that applies to this user.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no policy is configured, none was kept, or the file is not what the daemon
    /// has written.
    pub(super) fn read(now: Now) -> Result<(Self, Config), CliError> {
        let places = places::of(Starter::Client)?;
        let config = config::load(&places.locations).map_err(|error| all_problems(&error))?;
        let Some(place) = config.policy.place.as_ref().map(ToString::to_string) else {
            return Err(no_place(&config).into());
        };
        let state_dir = places.places.state_dir().ok_or_else(|| {
            let hint = "set HOME, or name the file of a policy";
            Failure::new(ExitCode::Usage, "the state directory is not known", hint)
        })?;
        let socket = places.places.daemon.socket.as_ref();
        let other_socket = socket.filter(|_| !places.places.is_usual_socket);
        let instance = other_socket.map(|socket| socket.to_string_lossy());
        let (file, stored) = policy_watch::kept(&state_dir, &instance.unwrap_or_default())
            .map_err(|problem| {
                let hint = "correct that file or its directory; claviger doctor looks at both";
                Failure::new(ExitCode::Usage, problem, hint)
            })?
            .ok_or_else(|| {
                let problem = "the daemon of this user has kept no central policy yet";
                let hint = "run claviger refresh, which looks for it; claviger status says why";
                Failure::new(ExitCode::DaemonUnavailable, problem, hint)
            })?;
        let signed = verify(stored.policy.as_bytes(), &config.policy.public_keys);
        let signed = signed.map_err(|error| {
            let problem = format!("the policy in '{}' {error}", file.display());
            let hint = "run claviger refresh: the daemon looks for the one that is published";
            Failure::new(ExitCode::Usage, problem, hint)
        })?;
        let state = PolicyState::new(now, Some((signed.clone(), stored.seen_at)), 0);
        let kept = Self {
            signed,
            seen_at: stored.seen_at,
            is_in_force: matches!(state.standing(now), Standing::InForce(_)),
            place,
        };
        Ok((kept, config))
    }
}

fn no_place(config: &Config) -> Failure {
    let problem = format!(
        "'{}' names no place of a central policy",
        config.file.display()
    );
    let hint = "set 'url' in [policy], or name the file of a policy";
    Failure::new(ExitCode::Usage, problem, hint)
}
