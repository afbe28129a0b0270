//! What a peer may ask for.

use claviger_wire::{ExitCode, Failure, Request};

use crate::{
    client_process::Client,
    config::{self, Config, Reveal},
    error_report,
    listener::PeerUser,
    trust::ManagedOwner,
};

/// Returns the failure for a request that `user` must not send.
///
/// Root may ask another user's daemon for its state, lock it, which takes keys away, and end it
/// (`claviger stop --all-users`). It gets neither a key nor a change of one: a key is printed for
/// its own user only, and only that user unlocks.
pub(super) fn refusal(user: PeerUser, request: &Request) -> Option<Failure> {
    match (user, request) {
        (PeerUser::Own, _)
        | (
            PeerUser::Root,
            Request::Metrics
            | Request::Status { .. }
            | Request::Lock
            | Request::Stop
            | Request::Unknown { .. },
        ) => None,
        (
            PeerUser::Root,
            Request::Acquire(_)
            | Request::Refresh { .. }
            | Request::Logout { .. }
            | Request::Login(_)
            | Request::Unlock,
        ) => Some(Failure::new(
            ExitCode::Denied,
            "the daemon of another user gives root no key and changes none",
            "run the command as that user",
        )),
    }
}

/// Returns the failure for a request for the key of the profile `name`, which must exist, that
/// `client` must not send, or that would show the key on a terminal; `None` if it may have the key.
///
/// What the programs are is found out now and not when the shim connected: only that can be known.
pub(super) fn refusal_of_key(
    config: &Config,
    name: &str,
    client: Option<&Client>,
    reveals: bool,
) -> Option<Failure> {
    if reveals && config.reveal == Reveal::Never {
        let administrator = config.ask_administrator();
        return Some(error_report::of_reveal(&config.file, administrator));
    }
    let rules = config.allowed_callers(name)?;
    let owner = ManagedOwner::of_this_machine();
    let programs = client.and_then(|client| client.programs(&owner));
    let refusal = config::permits(rules, programs.as_deref()).err()?;
    let administrator = config.ask_administrator();
    Some(error_report::of_caller(
        name,
        &refusal,
        &config.file,
        administrator,
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use claviger_wire::{Acquire, Login, Variables};

    use super::*;
    use crate::client_process;

    fn config(keys: &str) -> Config {
        let text = format!(
            "version = 1\n{keys}\nprofile.p.source = 's'\n\
             source.s = {{ type = 'exec', command = ['/bin/key'] }}\n"
        );
        config::parse(Path::new("/c.toml"), &text).unwrap()
    }

    #[test]
    fn a_key_is_revealed_unless_the_configuration_forbids_it() {
        let refused = |keys, reveals| refusal_of_key(&config(keys), "p", None, reveals);
        for keys in ["", "reveal = 'allowed'"] {
            assert_eq!(refused(keys, true), None);
        }
        let never = "reveal = 'never'";
        assert_eq!(refused(never, false), None);
        let failure = refused(never, true).unwrap();
        assert_eq!(failure.code, ExitCode::Denied);
        assert!(failure.message.contains("terminal"), "{failure:?}");
    }

    #[test]
    fn a_client_that_is_not_allowed_or_not_known_gets_no_key() {
        let nothing = config("allowed_callers = ['/nonexistent/client']");
        let own = client_process::identify(std::process::id()).unwrap();
        let client = client_process::find(own);
        for client in [client.as_ref(), None] {
            let failure = refusal_of_key(&nothing, "p", client, false).unwrap();
            assert_eq!(failure.code, ExitCode::Denied);
            let start = "profile 'p' is for 'allowed_callers' only: ";
            assert!(failure.message.starts_with(start), "{failure:?}");
            assert_eq!(refusal_of_key(&config(""), "p", client, false), None);
        }
    }

    #[test]
    fn root_gets_the_state_and_may_end_the_daemon() {
        let profile = Some("default".to_owned());
        let cases = [
            (Request::Acquire(Acquire::default()), false),
            (Request::Status { profile: None }, true),
            (Request::Metrics, true),
            (
                Request::Refresh {
                    profile: profile.clone(),
                    variables: Variables::default(),
                },
                false,
            ),
            (Request::Logout { profile }, false),
            (Request::Login(Login::default()), false),
            (Request::Stop, true),
            (Request::Lock, true),
            (Request::Unlock, false),
            (Request::Unknown { kind: 77 }, true),
        ];
        for (request, root_may) in cases {
            assert_eq!(refusal(PeerUser::Own, &request), None, "{request:?}");
            let refused = refusal(PeerUser::Root, &request).map(|failure| failure.code);
            let expected = (!root_may).then_some(ExitCode::Denied);
            assert_eq!(refused, expected, "{request:?}");
        }
    }
}
