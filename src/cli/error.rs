//! Failures of the commands.

use std::{
    io::{self, Write as _},
    process,
};

use claviger_wire::{ExitCode, Failure, problem};

/// The reason why a command fails.
#[derive(Debug)]
pub(super) enum CliError {
    /// A failure, reported on stderr.
    Failure(Failure),
    /// Failures about one profile or user each; the first one's code counts.
    Failures(Vec<Failure>),
    /// Standard output contains the reason: only the exit code is left.
    Reported(ExitCode),
    /// The problems of a configuration, reported one a line.
    Problems(Vec<String>),
    /// The command reports how it ended by this exit code alone: a signal ended it, or its output
    /// contains the reason and the code is none of [`ExitCode`].
    Ended(u8),
    /// The tool that the command ran has ended with this exit code, which may be 0.
    Tool(u8),
    /// Standard output is closed: the command ends silently.
    StdoutClosed,
}

impl CliError {
    /// An error of the system while the daemon starts: `cannot ACTION: ERROR`.
    pub(super) fn system(action: &str, error: &io::Error) -> Self {
        Self::Failure(Failure {
            code: ExitCode::DaemonUnavailable,
            message: format!("cannot {action}: {error}"),
            hint: None,
        })
    }

    /// Prints the error on stderr and returns the exit code.
    pub(super) fn report(&self) -> process::ExitCode {
        let (code, text) = match self {
            Self::Ended(code) | Self::Tool(code) => return (*code).into(),
            Self::Failure(failure) => (failure.code, failure.to_text()),
            Self::Failures(failures) => {
                let code = failures.first().map(|failure| failure.code);
                let text = failures.iter().map(Failure::to_text).collect();
                (code.unwrap_or(ExitCode::DaemonUnavailable), text)
            }
            Self::Reported(code) => (*code, String::new()),
            Self::Problems(problems) => {
                let lines = problems.iter().map(|message| problem(message));
                (ExitCode::Usage, lines.collect())
            }
            Self::StdoutClosed => (ExitCode::DaemonUnavailable, String::new()),
        };
        // The exit code is all that is left if stderr is closed.
        let _ = io::stderr().write_all(text.as_bytes());
        code.into()
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// An error of stdout.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::StdoutClosed;
        }
        Self::system("write to stdout", &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_stdout_is_silent() {
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(matches!(CliError::from(closed), CliError::StdoutClosed));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let CliError::Failure(failure) = CliError::from(full) else {
            panic!("no failure");
        };
        assert!(failure.message.starts_with("cannot write to stdout: "));
    }
}
