//! Runs a program until it exits, or kills it when its time is over.

use std::{
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{io::AsyncRead, process::Command, time::timeout};
use zeroize::Zeroizing;

use super::{
    pipe::{MAX_STDOUT, ReadError, Stderr, Stdout},
    process_group::ProcessGroup,
};
use crate::{
    environment,
    source::{SourceError, TransportError, sanitize},
    trust::{self, TrustError},
};

/// How long to wait for the end of the output after the exit: a child that the program has left
/// behind, such as an agent, may never close it. What the program itself has printed is in the pipe
/// by then.
const REST: Duration = Duration::from_millis(250);

/// The exit code of a program whose user must log in first, as that of `claviger-helper`.
const LOGIN_REQUIRED: i32 = 3;

/// A program with its arguments.
pub(super) struct Program {
    argv: Vec<String>,
    timeout: Duration,
    /// How to run it by hand. Without the arguments: a placeholder in them may stand for a secret.
    by_hand: String,
}

impl Program {
    /// The program of the source `name`. `argv` starts with the program's path.
    pub(super) fn new(name: &str, argv: Vec<String>, timeout: Duration) -> Self {
        let by_hand = format!(
            "run '{}' by hand with the arguments in 'source.{name}.command'",
            argv.first().map_or("", String::as_str)
        );
        Self {
            argv,
            timeout,
            by_hand,
        }
    }

    pub(super) fn path(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    /// Runs the program and returns its standard output. If the time is over, or the caller drops
    /// the future, the program and all its children are killed. Children that it leaves behind when
    /// it exits go on.
    ///
    /// # Errors
    ///
    /// - [`SourceError::Configuration`] if it does not exist or is not executable, or if another
    ///   user can write or replace it
    /// - [`SourceError::LoginRequired`] if it exits with code 3
    /// - [`SourceError::Unreachable`] if it exits with another error or times out
    /// - [`SourceError::BadOutput`] if it prints more than 64 KiB
    pub(super) async fn run(&self) -> Result<Zeroizing<Vec<u8>>, SourceError> {
        self.check_trusted()?;
        let mut command = Command::new(self.path());
        command
            .args(self.argv.iter().skip(1))
            .env_clear()
            .envs(environment::of_programs())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut group = ProcessGroup::spawn(&mut command).map_err(|e| self.cannot_start(&e))?;
        let mut stdout = Stdout::new(group.child.stdout.take());
        let mut stderr = Stderr::new(group.child.stderr.take());

        let exit = run_to_exit(&mut group, &mut stdout, &mut stderr);
        let result = timeout(self.timeout, exit).await;
        let status = match result {
            Ok(status) => status.map_err(|error| self.unreadable(&error))?,
            Err(_) => return Err(self.timed_out(stderr.tail(), &stdout.into_bytes())),
        };
        let stdout = stdout.into_bytes();
        if status.success() {
            return Ok(stdout);
        }
        let line = last_line(stderr.tail(), &stdout);
        let colon = if line.is_empty() { "" } else { ": " };
        let reason = format!("{status}{colon}{line}");
        Err(match status.code() {
            Some(LOGIN_REQUIRED) => self.login_required(reason, &line),
            _ => self.failed(reason, self.by_hand.clone()),
        })
    }

    fn failed(&self, reason: String, hint: String) -> SourceError {
        SourceError::Unreachable {
            host: self.path().to_owned(),
            error: TransportError::Program { reason, hint },
        }
    }

    /// The program has no terminal and no input, so one that asks its user for something waits
    /// until its time is over.
    fn timed_out(&self, stderr: &[u8], stdout: &[u8]) -> SourceError {
        let line = last_line(stderr, stdout);
        let colon = if line.is_empty() { "" } else { ": " };
        self.failed(
            format!("timed out after {:?}{colon}{line}", self.timeout),
            format!(
                "{}: it may be waiting for a person, such as for a login in a browser",
                self.by_hand
            ),
        )
    }

    fn login_required(&self, reason: String, line: &str) -> SourceError {
        SourceError::LoginRequired {
            host: self.path().to_owned(),
            reason,
            hint: Some(match line {
                "" => format!("{}, and log in", self.by_hand),
                _ => "log in as the message of the program says, then try again".to_owned(),
            }),
        }
    }

    fn unreadable(&self, error: &ReadError) -> SourceError {
        match error {
            ReadError::TooMuch => SourceError::BadOutput {
                program: self.path().to_owned(),
                reason: format!("it printed more than {} KiB", MAX_STDOUT / 1024),
            },
            ReadError::Io(error) => self.failed(error.kind().to_string(), self.by_hand.clone()),
        }
    }

    /// Checks that no other user decides what is run. At every run: the file may have been
    /// replaced.
    fn check_trusted(&self) -> Result<(), SourceError> {
        trust::program(Path::new(self.path())).map_err(|error| match error {
            TrustError::Io(error) => self.cannot_start(&error),
            TrustError::Violation(violation) => SourceError::Configuration {
                reason: format!(
                    "the program '{}' is not safe to run: {violation}",
                    self.path()
                ),
                hint: violation.hint,
            },
        })
    }

    fn cannot_start(&self, e: &io::Error) -> SourceError {
        let (problem, hint) = match e.kind() {
            io::ErrorKind::NotFound => (
                "does not exist, or its interpreter does not",
                "install it, or correct 'command'",
            ),
            io::ErrorKind::PermissionDenied => (
                "cannot be run: permission denied",
                "make it executable, or correct 'command'",
            ),
            kind => {
                let reason = format!("cannot be started ({kind})");
                return self.failed(reason, self.by_hand.clone());
            }
        };
        SourceError::Configuration {
            reason: format!("the program '{}' {problem}", self.path()),
            hint: hint.to_owned(),
        }
    }
}

/// Waits until the program has exited, and then for the end of its output, but no longer than
/// [`REST`]. Reads meanwhile, so that a full pipe does not block the program.
async fn run_to_exit(
    group: &mut ProcessGroup,
    stdout: &mut Stdout<impl AsyncRead + Unpin>,
    stderr: &mut Stderr<impl AsyncRead + Unpin>,
) -> Result<ExitStatus, ReadError> {
    let read = async {
        let stderr = async {
            stderr.drain().await;
            Ok(())
        };
        tokio::try_join!(stdout.drain(), stderr).map(drop)
    };
    tokio::pin!(read);
    let mut at_end = false;
    let status = tokio::select! {
        status = group.child.wait() => status,
        result = &mut read => {
            result?;
            at_end = true;
            group.child.wait().await
        }
    };
    let status = status.map_err(ReadError::Io)?;
    group.release();
    if !at_end {
        match timeout(REST, read).await {
            Ok(result) => result?,
            Err(_) => tracing::debug!("a child of the program keeps its output open"),
        }
    }
    Ok(status)
}

/// Returns the last line that is not empty, or a placeholder if it contains a secret.
fn last_line(stderr: &[u8], stdout: &[u8]) -> String {
    let stderr = String::from_utf8_lossy(stderr);
    let stdout = String::from_utf8_lossy(stdout);
    let line = stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    // Each longer part of standard output, so that a key inside JSON is found too.
    let mut parts = stdout.split(|c: char| c.is_whitespace() || "\"{},".contains(c));
    let leaked = parts.find(|part| part.len() >= 8 && line.contains(part));
    sanitize::one_line_without(line, leaked.unwrap_or(stdout.trim()))
}

#[cfg(all(test, unix))]
mod tests;
