//! Facts with the cause of each check, and facts without it.

mod daemon;
mod policy;

use std::path::PathBuf;

use claviger_wire::paths::{Owner, PathError};

use super::{audit, configuration, environment, programs, state, store};
use crate::{
    config::ConfigError,
    doctor::{check::Check, finding::Finding, tests::Case},
    store::StoreError,
};

/// The cases of this family.
pub(in crate::doctor) fn cases() -> Vec<Case> {
    [
        of_environment(),
        of_configuration(),
        of_programs(),
        of_state(),
        of_audit(),
        of_store(),
        daemon::cases(),
        policy::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn case(check: Check, broken: Vec<Finding>, sound: Vec<Finding>) -> Case {
    Case {
        check,
        broken,
        sound,
    }
}

fn of_environment() -> Vec<Case> {
    use environment::{
        FOREIGN_RUNTIME_DIR, Facts, IGNORED, NO_ACCOUNT, NO_RUNTIME_DIR, OVERRIDDEN, PLACES,
        SOCKET_PATH, UMASK, WSL, check,
    };
    let own = Owner::User {
        others_write: false,
    };
    let sound = || Facts {
        has_account: true,
        has_runtime_dirs: true,
        named_runtime_dir: Some(("/run/user/7".into(), own)),
        runtime_dir: Some("/run/user/7".into()),
        set: vec!["HOME", "XDG_RUNTIME_DIR"],
        umask: Some(0o022),
        kernel: "6.1.0-18-amd64".to_owned(),
        ..Facts::default()
    };
    let case = |of: Check, facts: Facts| case(of, check(&facts), check(&sound()));
    let foreign = |owner| Facts {
        named_runtime_dir: Some(("/run/user/8".into(), owner)),
        ..sound()
    };
    let kernel = |kernel: &str| Facts {
        kernel: kernel.to_owned(),
        ..sound()
    };
    let umask = |umask| Facts {
        umask: Some(umask),
        ..sound()
    };
    let long = PathError::TooLong {
        socket: PathBuf::from("/long"),
        len: 120,
        limit: 107,
    };
    vec![
        case(
            SOCKET_PATH,
            Facts {
                path: Some(long),
                places: Some(("too long".to_owned(), "shorten it".to_owned())),
                ..sound()
            },
        ),
        case(
            PLACES,
            Facts {
                places: Some(("'HOME' is not set".to_owned(), "set it".to_owned())),
                ..sound()
            },
        ),
        case(
            NO_ACCOUNT,
            Facts {
                has_account: false,
                ..sound()
            },
        ),
        case(
            IGNORED,
            Facts {
                ignored: vec!["CLAVIGER_CONFIG", "XDG_STATE_HOME"],
                ..sound()
            },
        ),
        case(
            OVERRIDDEN,
            Facts {
                set: vec!["CLAVIGER_SOCKET"],
                ..sound()
            },
        ),
        case(FOREIGN_RUNTIME_DIR, foreign(Owner::Other(8))),
        case(FOREIGN_RUNTIME_DIR, foreign(Owner::Unknown)),
        case(
            FOREIGN_RUNTIME_DIR,
            foreign(Owner::User { others_write: true }),
        ),
        case(
            NO_RUNTIME_DIR,
            Facts {
                runtime_dir: None,
                ..sound()
            },
        ),
        case(UMASK, umask(0)),
        case(UMASK, umask(0o020)),
        case(WSL, kernel("5.15.153.1-microsoft-standard-WSL2")),
        case(WSL, kernel("4.4.0-19041-Microsoft")),
    ]
}

fn of_configuration() -> Vec<Case> {
    use configuration::{
        Facts, INVALID, MISSING, NAMED, QUESTIONABLE, READABLE_SECRET, UNREADABLE, UNTRUSTED,
        USER_ALLOWED, USER_IGNORED, check,
    };
    let [managed, own] = ["/etc/claviger/config.toml", "/home/ana/config.toml"].map(PathBuf::from);
    let sound = || Facts {
        file: Some(own.clone()),
        own: vec![own.clone()],
        ..Facts::default()
    };
    let case = |of: Check, facts: Facts| case(of, check(&facts), check(&sound()));
    let error = |error: ConfigError| Facts {
        error: Some(error),
        ..Facts::default()
    };
    let warning = |text: &str| Facts {
        warnings: vec![text.to_owned()],
        ..sound()
    };
    let missing = ConfigError::Missing {
        looked: vec![own.clone()],
    };
    let unreadable = ConfigError::Unreadable {
        file: own.clone(),
        reason: "permission denied".to_owned(),
    };
    let untrusted = ConfigError::Untrusted {
        file: managed.clone(),
        reason: "it is writable by others".to_owned(),
        hint: "correct it".to_owned(),
    };
    let invalid = crate::config::parse(&own, "version = 1\nprofle = 2\n").unwrap_err();
    let beside = |file: &PathBuf| Facts {
        file: Some(file.clone()),
        managed: Some(managed.clone()),
        own: vec![own.clone()],
        ..Facts::default()
    };
    vec![
        case(MISSING, error(missing)),
        case(UNREADABLE, error(unreadable)),
        case(UNTRUSTED, error(ConfigError::Managed(Box::new(untrusted)))),
        case(INVALID, error(invalid)),
        case(
            NAMED,
            Facts {
                errors: vec!["/c.toml:3:1: '/s' does not exist".to_owned()],
                ..sound()
            },
        ),
        case(
            READABLE_SECRET,
            warning("/c.toml:3:1: '/s' is readable by others (mode 0644)"),
        ),
        case(
            QUESTIONABLE,
            warning("/c.toml:3:1: '$HOME' is not replaced"),
        ),
        case(USER_IGNORED, beside(&managed)),
        case(USER_ALLOWED, beside(&own)),
    ]
}

fn of_programs() -> Vec<Case> {
    use programs::{
        COPIES, Facts, HELPER_VERSION, MISSING, NOEXEC, NOT_EXECUTABLE, Program, UNSAFE, check,
    };
    let program = |name: &str| Program {
        path: PathBuf::from("/usr/bin").join(name),
        exists: true,
        is_executable: true,
        is_noexec: false,
        violation: None,
    };
    let facts = |helper: Program| Facts {
        programs: vec![program("claviger"), helper],
        helper_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        copies: Vec::new(),
    };
    let sound = || facts(program("claviger-helper"));
    let case = |of: Check, facts: Facts| case(of, check(&facts), check(&sound()));
    let helper = |edit: fn(&mut Program)| {
        let mut helper = program("claviger-helper");
        edit(&mut helper);
        facts(helper)
    };
    vec![
        case(MISSING, helper(|helper| helper.exists = false)),
        case(NOEXEC, helper(|helper| helper.is_noexec = true)),
        case(
            NOT_EXECUTABLE,
            helper(|helper| helper.is_executable = false),
        ),
        case(
            UNSAFE,
            helper(|helper| {
                let violation = ("'/usr/bin' is writable by others", "correct its mode");
                helper.violation = Some((violation.0.to_owned(), violation.1.to_owned()));
            }),
        ),
        case(
            HELPER_VERSION,
            Facts {
                helper_version: Some("0.0.1".to_owned()),
                ..sound()
            },
        ),
        case(
            COPIES,
            Facts {
                copies: vec!["/usr/local/bin/claviger".into()],
                ..sound()
            },
        ),
    ]
}

fn of_state() -> Vec<Case> {
    use state::{DISK_FULL, Facts, NETWORK_HOME, UNSAFE, UNWRITABLE, check};
    let sound = || Facts {
        directory: "/home/ana/.local/state/claviger".into(),
        existing: "/home/ana".into(),
        is_writable: true,
        violation: None,
        free: Some(1 << 30),
        network: None,
    };
    let case = |of: Check, facts: Facts| case(of, check(&Some(facts)), check(&Some(sound())));
    vec![
        case(
            UNSAFE,
            Facts {
                violation: Some(("'/home' is open".to_owned(), "close it".to_owned())),
                ..sound()
            },
        ),
        case(
            UNWRITABLE,
            Facts {
                is_writable: false,
                ..sound()
            },
        ),
        case(
            DISK_FULL,
            Facts {
                free: Some(4096),
                ..sound()
            },
        ),
        case(
            NETWORK_HOME,
            Facts {
                network: Some("NFS"),
                ..sound()
            },
        ),
    ]
}

fn of_audit() -> Vec<Case> {
    use audit::{BROKEN, Facts, check};
    let facts = |breaks: &[&str]| Facts {
        directory: "/home/ana/.local/state/claviger".into(),
        breaks: breaks.iter().map(|line| (*line).to_owned()).collect(),
    };
    let broken = check(&facts(&["/audit.log:7: edited"]));
    vec![case(BROKEN, broken, check(&facts(&[])))]
}

fn of_store() -> Vec<Case> {
    use store::{Facts, LOCKED, UNAVAILABLE, check};
    let [store, reason, hint] = ["the Secret Service", "no collection", "unlock it"];
    let [store, reason, hint] = [store, reason, hint].map(str::to_owned);
    let locked = StoreError::Locked {
        store: store.clone(),
        reason: reason.clone(),
        hint: hint.clone(),
    };
    let absent = StoreError::Unavailable {
        store,
        reason,
        hint,
    };
    let facts = |error| Facts {
        sources: vec!["sso".to_owned()],
        error,
    };
    let case = |of, error| case(of, check(&facts(Some(error))), check(&facts(None)));
    vec![case(LOCKED, locked), case(UNAVAILABLE, absent)]
}
