//! A key goes only to a client whose program is one of `allowed_callers`.

use std::path::PathBuf;

use super::{field::CallerPattern, table::Config};
use crate::{client_process::Program, trust::Violation};

/// A request of a client that is not one of `allowed_callers`. `Display` is the end of a sentence
/// that says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallerRefusal {
    /// The process that asks has ended, or the system does not report it or one above it.
    #[error("the process that asks has ended or is not known")]
    Unknown,
    /// The system does not reveal what a process between the shim and the client executes.
    #[error("the system does not reveal the program of the process '{name}'")]
    Hidden {
        /// The name of the process.
        name: String,
    },
    /// The client is another program.
    #[error("the client is '{}'", .program.display())]
    NotListed {
        /// Its path.
        program: PathBuf,
    },
    /// The client, or a program between it and the shim, could be the user's own.
    #[error("{0}")]
    Untrusted(Violation),
}

/// Checks that a client may have the key of a profile with these `rules`: `programs` are what
/// stands between the shim and the client, which is the last one.
///
/// The client's program is one of the rules, and it and each program between it and the shim,
/// shells included, are root's and only root can write them. So no program of the user's is passed
/// over as a wrapper, however short its life.
///
/// # Errors
///
/// [`CallerRefusal`].
pub(crate) fn permits(
    rules: &[CallerPattern],
    programs: Option<&[Program]>,
) -> Result<(), CallerRefusal> {
    let programs = programs.unwrap_or_default();
    let client = programs.last().ok_or(CallerRefusal::Unknown)?;
    if let Some(path) = client.path()
        && !rules.iter().any(|rule| rule.matches(path))
    {
        let program = path.to_owned();
        return Err(CallerRefusal::NotListed { program });
    }
    programs.iter().try_for_each(|program| match program {
        Program::Trusted(_) => Ok(()),
        Program::Untrusted { violation, .. } => Err(CallerRefusal::Untrusted(violation.clone())),
        Program::Hidden { name } => Err(CallerRefusal::Hidden { name: name.clone() }),
    })
}

impl CallerRefusal {
    /// What to do now; `None` if only the list can be corrected.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::Unknown => Some("run the command again, from the client that needs the key"),
            Self::Hidden { .. } => Some("run claviger-helper without sudo or a program like it"),
            Self::NotListed { .. } => None,
            Self::Untrusted(violation) => Some(&violation.hint),
        }
    }
}

impl Config {
    /// The programs that may have the key of the profile `name`, which must exist; `None` for every
    /// program.
    #[must_use]
    pub(crate) fn allowed_callers(&self, name: &str) -> Option<&[CallerPattern]> {
        self.profiles[name].allowed_callers.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAUDE: &str = "/usr/bin/claude";

    fn trusted(path: &str) -> Program {
        Program::Trusted(path.into())
    }

    fn untrusted(path: &str) -> Program {
        Program::Untrusted {
            path: path.into(),
            violation: Violation {
                path: path.into(),
                problem: "is owned by uid 1000; expected root".to_owned(),
                hint: "ask your administrator".to_owned(),
            },
        }
    }

    fn check(rules: &[&str], programs: &[Program]) -> Result<(), String> {
        let rules: Vec<CallerPattern> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        permits(&rules, Some(programs)).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn the_client_must_be_one_of_the_rules() {
        let rules = ["/opt/claude/*/claude", CLAUDE];
        assert_eq!(check(&rules, &[trusted(CLAUDE)]), Ok(()));
        let version = trusted("/opt/claude/2.1.329/claude");
        assert_eq!(check(&rules, &[trusted("/bin/sh"), version]), Ok(()));
        for other in ["/usr/bin/gnome-terminal", "/tmp/usr/bin/claude"] {
            let expected = Err(format!("the client is '{other}'"));
            assert_eq!(check(&rules, &[trusted(other)]), expected);
            // That it is not root's says less.
            assert_eq!(check(&rules, &[untrusted(other)]), expected);
        }
        // A wrapper that is allowed does not make its client so.
        let inner = [trusted(CLAUDE), trusted("/usr/bin/evil")];
        assert!(check(&rules, &inner).is_err());
    }

    #[test]
    fn every_program_up_to_the_client_must_be_roots() {
        let sh = || trusted("/usr/bin/dash");
        let own = || untrusted("/home/ana/key");
        let client = || trusted(CLAUDE);
        assert_eq!(check(&[CLAUDE], &[sh(), sh(), client()]), Ok(()));
        let problem = "'/home/ana/key' is owned by uid 1000; expected root";
        for programs in [
            &[own(), client()][..],
            &[sh(), own(), client()],
            &[own(), sh(), client()],
        ] {
            assert_eq!(check(&[CLAUDE], programs), Err(problem.to_owned()));
        }
        let own = check(&[CLAUDE], &[sh(), untrusted(CLAUDE)]);
        assert_eq!(
            own.unwrap_err(),
            "'/usr/bin/claude' is owned by uid 1000; expected root"
        );
        for at in 0..2 {
            let mut programs = [sh(), client()];
            programs[at] = Program::Hidden {
                name: "sudo".to_owned(),
            };
            assert_eq!(
                check(&[CLAUDE], &programs).unwrap_err(),
                "the system does not reveal the program of the process 'sudo'"
            );
        }
    }

    #[test]
    fn a_caller_of_which_nothing_is_known_is_refused() {
        let rules = ["/**".parse().unwrap()];
        for programs in [None, Some(&[][..])] {
            assert_eq!(permits(&rules, programs), Err(CallerRefusal::Unknown));
        }
    }
}
