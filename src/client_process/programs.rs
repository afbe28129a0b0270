//! What stands between a shim and its client: the program that each of the processes executes, with
//! the ruling on its file.

use std::path::{Path, PathBuf};

use super::{Client, system};
use crate::trust::{ManagedOwner, TrustError, Violation};

/// The program that a process executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Its file is root's, and no other user can write or replace it.
    Trusted(PathBuf),
    /// Another user owns its file, or can write or replace it.
    Untrusted {
        /// The path of the file.
        path: PathBuf,
        /// The rule that it breaks.
        violation: Violation,
    },
    /// The system does not reveal it: the process is another user's, or hides it.
    Hidden {
        /// The name of the process, which it can choose.
        name: String,
    },
}

impl Client {
    /// The programs from the shim's parent to the client, which is the last one; `None` if one of
    /// the processes has ended, so that nothing is known about it.
    ///
    /// The shim itself is not among them: it hides its program from processes of its user, because
    /// it contains a key. What another program in its place could do, the shim's parent can do with
    /// the shim's output.
    #[must_use]
    pub(crate) fn programs(&self, owner: &ManagedOwner) -> Option<Vec<Program>> {
        let judged = self.chain.iter().map(|identity| {
            let find =
                || system::describe(identity.pid).filter(|process| process.identity() == *identity);
            let process = find()?;
            let program = match system::judged(identity.pid, owner) {
                Some((path, ruling)) => Program::of(path, ruling),
                None => Program::Hidden { name: process.name },
            };
            // What was read is about this process if it is still the one with the id.
            find().map(|_| program)
        });
        judged.collect()
    }
}

impl Program {
    /// The path of its file, if the system reveals it.
    #[must_use]
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Trusted(path) | Self::Untrusted { path, .. } => Some(path),
            Self::Hidden { .. } => None,
        }
    }

    /// The program at `path`, on which `ruling` was made.
    fn of(path: PathBuf, ruling: Result<(), TrustError>) -> Self {
        let violation = match ruling {
            Ok(()) => return Self::Trusted(path),
            Err(TrustError::Violation(violation)) => violation,
            Err(TrustError::Io(error)) => Violation {
                path: path.clone(),
                problem: format!("cannot be checked: {error}"),
                hint: "start the client again, from a path that exists".to_owned(),
            },
        };
        Self::Untrusted { path, violation }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::process::{Child, Command};

    use super::{
        super::{ProcessIdentity, identify},
        *,
    };
    use crate::client_session::ClientSession;

    /// A process that ends with this.
    struct Sleep(Child);

    impl Sleep {
        fn new() -> Self {
            Self(Command::new("sleep").arg("600").spawn().unwrap())
        }

        fn identity(&self) -> ProcessIdentity {
            identify(self.0.id()).unwrap()
        }
    }

    impl Drop for Sleep {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn programs(chain: &[ProcessIdentity]) -> Option<Vec<Program>> {
        let client = Client {
            session: ClientSession { pid: 0, started: 0 },
            executable: None,
            chain: chain.to_vec(),
        };
        client.programs(&ManagedOwner::of_this_machine())
    }

    #[test]
    fn the_programs_of_the_system_are_trusted() {
        let sleep = Sleep::new();
        let found = programs(&[sleep.identity()]).unwrap();
        assert!(
            matches!(&found[..], [Program::Trusted(path)] if path.is_absolute()),
            "{found:?}"
        );
    }

    #[test]
    fn a_process_that_has_ended_makes_all_unknown() {
        let (one, other) = (Sleep::new(), Sleep::new());
        let chain = [one.identity(), other.identity()];
        assert!(programs(&chain).is_some());
        drop(one);
        assert_eq!(programs(&chain), None);
        let mut reused = other.identity();
        reused.started -= 1;
        assert_eq!(programs(&[reused]), None);
    }
}
