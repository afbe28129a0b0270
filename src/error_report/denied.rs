//! The failure of a client that the configuration or the central policy excludes.

use std::path::Path;

use claviger_wire::{ExitCode, Failure};

use crate::{
    config::CallerRefusal,
    policy::{CallerDenial, Denial},
    policy_watch::NoPolicy,
};

/// What to do about a policy, if the configuration names no administrator.
const ASK_PUBLISHER: &str = "ask the administrators who publish the policy";

/// Reports that the client is not one of the `allowed_callers` of `profile`. `file` is the
/// configuration, `administrator` is
/// [`Config::ask_administrator`](crate::config::Config::ask_administrator).
#[must_use]
pub(crate) fn of_caller(
    profile: &str,
    refusal: &CallerRefusal,
    file: &Path,
    administrator: Option<String>,
) -> Failure {
    let message = format!("profile '{profile}' is for 'allowed_callers' only: {refusal}");
    let hint = caller_hint(refusal, file, administrator);
    Failure::new(ExitCode::Denied, message, hint)
}

fn caller_hint(refusal: &CallerRefusal, file: &Path, administrator: Option<String>) -> String {
    let is_for_administrator = match refusal {
        CallerRefusal::NotListed { .. } | CallerRefusal::Untrusted(_) => true,
        // The developer has started it so.
        CallerRefusal::Unknown | CallerRefusal::Hidden { .. } => false,
    };
    let administrator = administrator.filter(|_| is_for_administrator);
    administrator.unwrap_or_else(|| refusal.hint(file))
}

/// Reports that no key is shown on a terminal, although `--reveal` is given.
#[must_use]
pub(crate) fn of_reveal(file: &Path, administrator: Option<String>) -> Failure {
    let hint = administrator.unwrap_or_else(|| {
        let file = file.display();
        format!("run it without '--reveal', in a pipe, or remove 'reveal' from '{file}'")
    });
    Failure::new(
        ExitCode::Denied,
        "the key is not shown on a terminal ('reveal = \"never\"')",
        hint,
    )
}

/// Reports that the central policy denies the key of `profile`.
#[must_use]
pub(crate) fn of_policy(profile: &str, denial: &Denial, administrator: Option<String>) -> Failure {
    let hint = administrator.unwrap_or_else(|| match denial {
        Denial::Version { .. } => "update Claviger".to_owned(),
        Denial::Disabled { .. } | Denial::NotListed { .. } => ASK_PUBLISHER.to_owned(),
    });
    let message = format!("no key for profile '{profile}': {denial}");
    Failure::new(ExitCode::Denied, message, hint)
}

/// Reports that the central policy denies the key of `profile` to a program.
#[must_use]
pub(crate) fn of_policy_caller(
    profile: &str,
    denial: &CallerDenial,
    administrator: Option<String>,
) -> Failure {
    let CallerDenial { rule, refusal } = denial;
    let message = format!(
        "profile '{profile}' is for the programs of rule '{rule}' of the company's policy only: \
         {refusal}"
    );
    let hint = match refusal {
        CallerRefusal::NotListed { .. } => administrator.unwrap_or(ASK_PUBLISHER.to_owned()),
        // The file of the configuration is named for `NotListed` only.
        other => caller_hint(other, Path::new(""), administrator),
    };
    Failure::new(ExitCode::Denied, message, hint)
}

/// Reports that no key is given because no central policy counts.
#[must_use]
pub(crate) fn of_no_policy(error: &NoPolicy, administrator: Option<String>) -> Failure {
    Failure::new(
        ExitCode::Denied,
        error.to_string(),
        no_policy_hint(administrator),
    )
}

/// What to do if no central policy counts.
#[must_use]
pub(crate) fn no_policy_hint(administrator: Option<String>) -> String {
    administrator.unwrap_or_else(|| {
        "check 'policy' in the configuration; Claviger looks again every 10 s".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::Violation;

    #[test]
    fn the_profile_the_program_and_the_rule_are_named() {
        let administrator = || Some("ask your administrator: it@example.com".to_owned());
        let listed = CallerRefusal::NotListed {
            program: "/usr/bin/gnome-terminal".into(),
        };
        let untrusted = CallerRefusal::Untrusted(Violation {
            path: "/home/ana/claude".into(),
            problem: "is owned by uid 4242; expected root".to_owned(),
            hint: "ask your administrator to let only root own it".to_owned(),
        });
        let hidden = CallerRefusal::Hidden {
            name: "sudo".to_owned(),
        };
        let start = "profile 'default' is for 'allowed_callers' only:";
        for (refusal, end, hint, hint_of_managed) in [
            (
                listed,
                "the client is '/usr/bin/gnome-terminal'",
                "correct 'allowed_callers' in '/c.toml'",
                administrator(),
            ),
            (
                untrusted,
                "'/home/ana/claude' is owned by uid 4242; expected root",
                "ask your administrator to let only root own it",
                administrator(),
            ),
            (
                hidden,
                "the system does not reveal the program of the process 'sudo'",
                "run claviger-helper without sudo or a program like it",
                None,
            ),
            (
                CallerRefusal::Unknown,
                "the process that asks has ended or is not known",
                "run the command again, from the client that needs the key",
                None,
            ),
        ] {
            let own = of_caller("default", &refusal, Path::new("/c.toml"), None);
            assert_eq!(own.code, ExitCode::Denied);
            assert_eq!(own.message, format!("{start} {end}"));
            assert_eq!(own.hint.as_deref(), Some(hint));
            let managed = of_caller("default", &refusal, Path::new("/c.toml"), administrator());
            assert_eq!(managed.hint, hint_of_managed.or(own.hint));
        }
    }

    #[test]
    fn a_key_that_is_not_shown_names_the_key_of_the_configuration() {
        let own = of_reveal(Path::new("/c.toml"), None);
        assert_eq!(own.code, ExitCode::Denied);
        assert!(own.message.contains("'reveal = \"never\"'"), "{own:?}");
        assert!(own.hint.unwrap().ends_with("from '/c.toml'"));
        let managed = of_reveal(Path::new("/c.toml"), Some("ask".to_owned()));
        assert_eq!(managed.hint.as_deref(), Some("ask"));
    }
}
