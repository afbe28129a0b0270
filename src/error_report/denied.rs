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
    let list = format!("correct 'allowed_callers' in '{}'", file.display());
    let hint = caller_hint(refusal, &list, administrator);
    Failure::new(ExitCode::Denied, message, hint)
}

/// What to do about a client that is not allowed; `list` is what corrects the list.
fn caller_hint(refusal: &CallerRefusal, list: &str, administrator: Option<String>) -> String {
    let is_for_administrator = match refusal {
        CallerRefusal::NotListed { .. } | CallerRefusal::Untrusted(_) => true,
        // The developer has started it so.
        CallerRefusal::Unknown | CallerRefusal::Hidden { .. } => false,
    };
    let administrator = administrator.filter(|_| is_for_administrator);
    administrator.unwrap_or_else(|| refusal.hint().unwrap_or(list).to_owned())
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
    let hint = caller_hint(refusal, ASK_PUBLISHER, administrator);
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

    #[test]
    fn a_denial_of_the_policy_names_the_profile_and_the_rule() {
        let administrator = || Some("ask your administrator".to_owned());
        let disabled = Denial::Disabled {
            rule: "stolen".to_owned(),
            message: "call 1234".to_owned(),
        };
        let failure = of_policy("work", &disabled, None);
        assert_eq!(failure.code, ExitCode::Denied);
        assert_eq!(
            failure.message,
            "no key for profile 'work': call 1234 (rule 'stolen' of the company's policy)"
        );
        assert_eq!(failure.hint.as_deref(), Some(ASK_PUBLISHER));
        assert_eq!(
            of_policy("work", &disabled, administrator()).hint,
            administrator()
        );
        let version = Denial::Version {
            version: "0.1.0".to_owned(),
            minimum: "0.2.0".to_owned(),
        };
        let hint = of_policy("work", &version, None).hint;
        assert_eq!(hint.as_deref(), Some("update Claviger"));
        let denial = |refusal| CallerDenial {
            rule: "programs".to_owned(),
            refusal,
        };
        let listed = denial(CallerRefusal::NotListed {
            program: "/bin/sh".into(),
        });
        let failure = of_policy_caller("work", &listed, None);
        assert_eq!(
            failure.message,
            "profile 'work' is for the programs of rule 'programs' of the company's policy only: \
             the client is '/bin/sh'"
        );
        assert_eq!(failure.hint.as_deref(), Some(ASK_PUBLISHER));
        let unknown = of_policy_caller("work", &denial(CallerRefusal::Unknown), administrator());
        assert!(unknown.hint.unwrap().starts_with("run the command again"));
    }

    #[test]
    fn without_a_policy_the_reason_is_named() {
        let missing = NoPolicy::Missing {
            place: "'https://c.test/p.jws'".to_owned(),
            error: Some("timed out".to_owned()),
        };
        let failure = of_no_policy(&missing, None);
        assert_eq!(failure.code, ExitCode::Denied);
        assert_eq!(
            failure.message,
            "the company's policy has not arrived from 'https://c.test/p.jws' yet: timed out"
        );
        assert!(failure.hint.unwrap().starts_with("check 'policy'"));
    }
}
