//! The command line: its definition here, one file for each command.

mod config;
mod conversation;
mod daemon;
mod demo;
mod logout;
mod profiles;
mod refresh;
mod status;
mod stop;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser, Subcommand};
use claviger_wire::Failure;

use crate::error_report;

/// Obtains gateway credentials and keeps them ready for claviger-helper, the command that Claude Code's apiKeyHelper
/// names.
#[derive(Debug, Parser)]
#[command(
    name = "claviger",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon in the foreground (claviger-helper starts one by itself where none runs)
    Daemon(daemon::Arguments),
    /// Show the whole thing at work on this machine, with nothing configured
    Demo(demo::Arguments),
    /// Show every profile: source, state, age, expiry, version, next refresh, last error
    Status(status::Arguments),
    /// Obtain a new credential now; the old one is served until it is there
    Refresh(refresh::Arguments),
    /// Forget the credential and the login, and have them revoked where the source can
    Logout(logout::Arguments),
    /// End the daemon; secrets are wiped first
    Stop(stop::Arguments),
    /// Check the configuration, or print its JSON Schema
    #[command(subcommand)]
    Config(config::Command),
}

/// How a command ends that does not do what it was told to.
#[derive(Debug)]
struct Complaint(Failure);

impl Complaint {
    fn new(
        code: claviger_wire::ExitCode,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self(Failure {
            code,
            message: message.into(),
            hint: Some(hint.into()),
        })
    }
}

impl From<Failure> for Complaint {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

/// The disk is full, say; or nobody reads any more what we print, and then there is nothing to say about it.
impl From<io::Error> for Complaint {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self(Failure {
                code: error_report::DAEMON,
                message: String::new(),
                hint: None,
            });
        }
        Self::new(
            error_report::DAEMON,
            format!("cannot write: {error}"),
            "check where the output goes",
        )
    }
}

/// Parses the command line, runs the command and gives the exit code: 0, or one of those that claviger-helper has.
#[must_use]
pub fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Complaint(failure)) => {
            tell(&failure);
            failure.code.into()
        }
    }
}

/// Where stderr is closed there is nobody to tell.
fn tell(failure: &Failure) {
    let mut stderr = io::stderr().lock();
    if !failure.message.is_empty() {
        let _ = writeln!(stderr, "claviger: {}", failure.message);
    }
    if let Some(hint) = &failure.hint {
        let _ = writeln!(stderr, "hint: {hint}");
    }
}

/// The definition of the command line: the commands and flags that a message can name.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

fn run(command: Command) -> Result<(), Complaint> {
    match command {
        Command::Daemon(arguments) => daemon::run(arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Refresh(arguments) => refresh::run(&arguments),
        Command::Logout(arguments) => logout::run(&arguments),
        Command::Stop(stop::Arguments {}) => stop::run(),
        Command::Config(command) => config::run(command),
    }
}

/// Where the daemon listens, or why that can't be said.
fn socket() -> Result<PathBuf, Complaint> {
    crate::paths::socket().map_err(|error| {
        Complaint::new(error_report::CONFIGURATION, error.to_string(), error.hint())
    })
}

/// A runtime for a command that asks the daemon something: one thread is plenty.
fn block_on<T>(future: impl Future<Output = Result<T, Complaint>>) -> Result<T, Complaint> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_sound() {
        super::command().debug_assert();
    }
}
