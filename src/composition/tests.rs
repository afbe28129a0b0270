use std::{fs, path::PathBuf, time::Duration};

use super::*;
use crate::{
    clock::{ManualClock, SystemClock, Timestamp},
    trust::ManagedOwner,
};

const GOOD: &str = r#"
version = 1
[profile.default]
source = "signed"
[source.signed]
type = "jwt"
algorithm = "HS256"
key_env = "KEY"
"#;

fn logins() -> Arc<LoginSessions> {
    Arc::new(LoginSessions::new(
        PathBuf::from("/nonexistent"),
        String::new(),
    ))
}

fn unlocked() -> Arc<Lock> {
    Arc::new(Lock::in_memory())
}

fn recorder() -> Arc<Recorder> {
    Arc::new(Recorder::off())
}

fn policy_watch() -> Arc<PolicyWatch> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let jitter: Jitter = Arc::new(|| 0.5);
    let directory = std::path::Path::new("/nonexistent");
    super::policy_watch(directory, "", &clock, &jitter, &recorder())
}

/// A composition of a user's file with `text`, which may be absent.
fn composition(text: Option<&str>) -> (Composition, PathBuf, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    if let Some(text) = text {
        fs::write(&file, text).unwrap();
    }
    let locations = Locations {
        managed: directory.path().join("managed.toml"),
        user: Some(file.clone()),
        explicit: None,
        managed_owner: ManagedOwner::of_this_machine(),
    };
    let composition = Composition::new(
        locations,
        Arc::new(SystemClock),
        Arc::new(|| 0.5),
        logins(),
        unlocked(),
        recorder(),
        policy_watch(),
    );
    (composition, file, directory)
}

fn profiles(composition: &Composition) -> Vec<String> {
    let InForce { config, .. } = composition.current().unwrap();
    config.profiles.keys().cloned().collect()
}

#[test]
fn a_changed_file_is_in_force_at_the_next_request() {
    let (composition, file, _directory) = composition(Some(GOOD));
    assert_eq!(profiles(&composition), ["default"]);
    fs::write(&file, GOOD.replace("default", "renamed")).unwrap();
    assert_eq!(profiles(&composition), ["renamed"]);
}

#[test]
fn a_broken_file_does_not_replace_a_good_one() {
    let (composition, file, _directory) = composition(Some(GOOD));
    fs::write(&file, "version = ").unwrap();
    assert_eq!(profiles(&composition), ["default"]);
    assert!(composition.last_error().is_some());
    fs::write(&file, GOOD).unwrap();
    assert_eq!(profiles(&composition), ["default"]);
    assert!(composition.last_error().is_none());
}

#[test]
fn the_first_configuration_may_come_later() {
    let (composition, file, _directory) = composition(None);
    assert!(matches!(
        composition.current().err().as_deref(),
        Some(ConfigError::Missing { .. })
    ));
    fs::write(&file, GOOD).unwrap();
    assert!(composition.in_force().is_none(), "files are not read here");
    assert_eq!(profiles(&composition), ["default"]);
}

#[test]
fn an_unchanged_file_keeps_the_broker() {
    let (composition, _file, _directory) = composition(Some(GOOD));
    let first = composition.current().unwrap();
    let second = composition.current().unwrap();
    assert!(Arc::ptr_eq(&first.broker, &second.broker));
}

/// A composition of a managed file and a user's, with the profiles `managed` and `own`, on a clock
/// that the test moves.
struct Managed {
    directory: tempfile::TempDir,
    clock: ManualClock,
    composition: Composition,
}

impl Managed {
    fn new(text: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().canonicalize().unwrap();
        if let Some(text) = text {
            fs::write(below.join("managed.toml"), text).unwrap();
        }
        fs::write(below.join("config.toml"), GOOD.replace("default", "own")).unwrap();
        let locations = Locations {
            managed: below.join("managed.toml"),
            user: Some(below.join("config.toml")),
            explicit: None,
            managed_owner: this_user(below),
        };
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let composition = Composition::new(
            locations,
            Arc::new(clock.clone()),
            Arc::new(|| 0.5),
            logins(),
            unlocked(),
            recorder(),
            policy_watch(),
        );
        Self {
            directory,
            clock,
            composition,
        }
    }

    fn write(&self, text: &str) {
        fs::write(self.directory.path().join("managed.toml"), text).unwrap();
    }

    fn remove(&self) {
        fs::remove_file(self.directory.path().join("managed.toml")).unwrap();
    }

    fn profiles(&self) -> Vec<String> {
        profiles(&self.composition)
    }
}

/// This user in place of the administrator, in `below`, which is then the user's alone.
#[cfg(unix)]
fn this_user(below: PathBuf) -> ManagedOwner {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(&below, fs::Permissions::from_mode(0o700)).unwrap();
    ManagedOwner {
        uid: rustix::process::geteuid().as_raw(),
        below,
    }
}

/// This user in place of the administrator, in `below`, whose access list is that of a profile.
#[cfg(windows)]
fn this_user(below: PathBuf) -> ManagedOwner {
    ManagedOwner {
        sid: Some(crate::process::sid::own().unwrap()),
        below,
    }
}

fn managed() -> String {
    GOOD.replace("default", "managed")
}

#[test]
fn a_managed_file_that_disappears_for_a_moment_stays_in_force() {
    let machine = Managed::new(Some(&managed()));
    assert_eq!(machine.profiles(), ["managed"]);
    machine.remove();
    assert_eq!(machine.profiles(), ["managed"]);
    let error = machine.composition.last_error().unwrap().to_string();
    assert!(error.contains("its removal takes effect"), "{error}");
    machine.clock.advance(Duration::from_secs(59));
    machine.composition.reload();
    assert_eq!(machine.profiles(), ["managed"], "also if it is read again");
    machine.write(&managed().replace("managed", "replaced"));
    assert_eq!(machine.profiles(), ["replaced"]);
    assert!(machine.composition.last_error().is_none());
    machine.clock.advance(Duration::from_secs(600));
    assert_eq!(machine.profiles(), ["replaced"]);
}

#[test]
fn a_managed_file_that_is_missing_for_a_minute_is_removed() {
    let machine = Managed::new(Some(&managed()));
    machine.remove();
    machine.clock.advance(Duration::from_secs(3600));
    assert_eq!(machine.profiles(), ["managed"], "from when it is noticed");
    machine.clock.advance(Duration::from_secs(60));
    assert_eq!(machine.profiles(), ["own"]);
    assert!(machine.composition.last_error().is_none());
}

#[test]
fn a_managed_file_that_was_never_good_does_not_bring_up_the_users_either() {
    let machine = Managed::new(Some("version = "));
    assert!(machine.composition.current().is_err());
    machine.remove();
    assert!(machine.composition.current().is_err());
    machine.write(&managed());
    assert_eq!(machine.profiles(), ["managed"]);
}

#[test]
fn a_managed_file_that_is_half_written_does_not_replace_the_good_one() {
    let machine = Managed::new(Some(&managed()));
    let text = managed().replace("managed", "later");
    for half in ["", "\n", "version = 1\n", &text[..text.len() / 2]] {
        machine.write(half);
        assert_eq!(machine.profiles(), ["managed"], "{half:?}");
        assert!(machine.composition.last_error().is_some(), "{half:?}");
    }
    machine.write(&text);
    assert_eq!(machine.profiles(), ["later"]);
}

#[test]
fn without_a_managed_file_the_users_is_in_force_at_once() {
    let machine = Managed::new(None);
    assert_eq!(machine.profiles(), ["own"]);
    machine.write(&managed());
    assert_eq!(machine.profiles(), ["managed"]);
}

#[test]
fn a_reload_reads_a_file_whose_stamp_is_the_same() {
    let (composition, _file, _directory) = composition(Some(GOOD));
    let before = composition.current().unwrap();
    composition.reload();
    let after = composition.current().unwrap();
    assert!(!Arc::ptr_eq(&before.config, &after.config));
    assert!(composition.last_error().is_none());
}

#[test]
#[cfg(unix)]
fn a_directory_that_is_corrected_is_noticed() {
    use std::os::unix::fs::PermissionsExt as _;

    let machine = Managed::new(None);
    let mode = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(machine.directory.path(), mode).unwrap();
    };
    mode(0o777);
    let file = machine.directory.path().join("config.toml");
    fs::write(file, GOOD.replace("default", "later")).unwrap();
    assert_eq!(machine.profiles(), ["own"]);
    let error = machine.composition.last_error().unwrap().to_string();
    assert!(error.contains("is writable by others"), "{error}");
    mode(0o700);
    assert_eq!(machine.profiles(), ["later"]);
    assert!(machine.composition.last_error().is_none());
}

#[test]
fn a_fixed_configuration_stays_whatever_files_there_are() {
    let fixed = config::parse(std::path::Path::new("fixed"), GOOD).unwrap();
    let origin = Origin::Fixed(Arc::new(fixed));
    let composition = Composition::new(
        origin,
        Arc::new(SystemClock),
        Arc::new(|| 0.5),
        logins(),
        unlocked(),
        recorder(),
        policy_watch(),
    );
    for _ in 0..2 {
        assert_eq!(profiles(&composition), ["default"]);
        assert!(composition.last_error().is_none());
        composition.reload();
    }
}
