//! The command line: its definition here, one file for each command.

mod all_users;
pub(crate) mod audit;
mod client;
mod completions;
mod config;
mod configure;
mod daemon;
mod demo;
mod doctor;
mod error;
mod exec;
mod helper_program;
mod init;
mod lock;
mod login;
mod logout;
mod logs;
mod man;
mod managed_settings;
mod metrics;
mod output;
mod panic;
mod places;
pub(crate) mod policy;
mod profile_args;
mod public_file;
mod refresh;
mod socket_args;
mod status;
mod stop;
mod table;
mod unlock;

use std::{process, thread};

use clap::{CommandFactory as _, Parser, Subcommand};

use self::error::CliError;
use crate::process::Signals;

/// Obtains gateway credentials and keeps them ready for claviger-helper, the command that Claude
/// Code's apiKeyHelper names.
#[derive(Debug, Parser)]
#[command(
    name = "claviger",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = concat!(
        "\
Examples:
  claviger demo            see it at work
  claviger init            write a configuration, step by step
  claviger configure       the clients on this machine, and what they use
", "\
  claviger config check    after a change of the configuration
  claviger login           sign in
  claviger status          what every profile has, and what to do if one fails
  claviger doctor          if something does not work
  claviger stop            after an update
",
        "
Exit codes: 0 done, 2 usage or configuration, 3 login required, 4 key rejected by the gateway, \
5 source failed, 6 key unusable, 7 denied by a rule, 8 no daemon. 'claviger COMMAND --help' shows \
more of each command."
    )
)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

/// In the order of the help: what a newcomer needs first, then the rest.
#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Write a configuration, step by step, and try it
    Init(init::InitArgs),
    /// Sign in, in the browser or with a code
    Login(login::LoginArgs),
    /// Write the helper into a client's settings, or list clients
    Configure(configure::ConfigureArgs),
    /// Check what usually breaks a roll-out, with remedies
    Doctor(doctor::DoctorArgs),
    /// Show every profile, and what to do if one fails
    Status(status::StatusArgs),
    /// Obtain a new credential; the old one is served until then
    Refresh(refresh::RefreshArgs),
    /// Forget the credential and the login, and revoke them
    Logout(logout::LogoutArgs),
    /// Drop every key, and give none until unlocked
    Lock(lock::LockArgs),
    /// Give keys again
    Unlock(unlock::UnlockArgs),
    /// Check or show the configuration, or print its JSON Schema
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Run a tool that reads its key from a variable
    Exec(exec::ExecArgs),
    /// Print the daemon's log, and follow it
    Logs(logs::LogsArgs),
    /// Print the audit log, or check that it is as it was written
    Audit(audit::AuditArgs),
    /// Print metrics for Prometheus
    Metrics(metrics::MetricsArgs),
    /// Print what to distribute to Claude Code or Claude Desktop
    ManagedSettings(managed_settings::ManagedSettingsArgs),
    /// Sign, verify or show a central policy, for security teams
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Take back what 'configure' has written
    Unconfigure(configure::UnconfigureArgs),
    /// End the daemon; secrets are wiped first
    Stop(stop::StopArgs),
    /// Run the daemon in the foreground
    Daemon(daemon::DaemonArgs),
    /// Show how everything works, without any configuration
    Demo(demo::DemoArgs),
    /// Print a shell's completions of this command line
    Completions(completions::CompletionsArgs),
    /// Print the man page, or write every page into a directory
    Man(man::ManArgs),
}

/// Parses the command line, runs the command and returns the exit code: 0, or an
/// [`ExitCode`](claviger_wire::ExitCode).
#[must_use]
pub fn main() -> process::ExitCode {
    panic::install();
    match run(Cli::parse().command) {
        Ok(()) => process::ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

/// The definition of the command line: the commands and flags that a message can name.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

fn run(command: CliCommand) -> Result<(), CliError> {
    match command {
        CliCommand::Init(args) => init::run(&args),
        CliCommand::Login(args) => login::run(&args),
        CliCommand::Configure(args) => configure::run(&args),
        CliCommand::Doctor(args) => doctor::run(&args),
        CliCommand::Status(args) => status::run(&args),
        CliCommand::Metrics(args) => metrics::run(&args),
        CliCommand::Logs(args) => logs::run(&args),
        CliCommand::Audit(args) => audit::run(&args),
        CliCommand::Refresh(args) => refresh::run(&args),
        CliCommand::Logout(args) => logout::run(&args),
        CliCommand::Lock(args) => lock::run(&args),
        CliCommand::Unlock(args) => unlock::run(&args),
        CliCommand::Config(command) => config::run(command),
        CliCommand::Exec(args) => exec::run(args),
        CliCommand::ManagedSettings(args) => managed_settings::run(&args),
        CliCommand::Policy(command) => policy::run(command),
        CliCommand::Unconfigure(args) => configure::undo(&args),
        CliCommand::Stop(args) => stop::run(&args),
        CliCommand::Daemon(args) => daemon::run(args),
        CliCommand::Demo(args) => demo::run(&args),
        CliCommand::Completions(args) => completions::run(&args),
        CliCommand::Man(args) => man::run(&args),
    }
}

/// A runtime with one thread, for the commands that need one.
fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::system("start the async runtime", &error))
}

/// Calls `end` at a signal that ends a process, for a command that ends at one of them.
///
/// # Errors
///
/// [`CliError::system`] if signals cannot be handled.
fn on_termination(end: impl Fn() + Clone + Send + 'static) -> Result<(), CliError> {
    let runtime = runtime()?;
    {
        let _entered = runtime.enter();
        let signals =
            Signals::install().map_err(|error| CliError::system("handle signals", &error))?;
        // The terminal is closed.
        let hung_up = end.clone();
        signals.forward(end, hung_up);
    }
    // It drives the task that waits for the signal, until the process ends.
    thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    Ok(())
}

#[cfg(test)]
#[path = "tests/help.rs"]
mod help_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn a_profile_is_an_argument_or_an_option() {
        let profile = |args: &[&str]| {
            let cli = Cli::try_parse_from([&["claviger"], args].concat())?;
            Ok::<_, clap::Error>(match cli.command {
                CliCommand::Status(args) => args.profile.name(),
                CliCommand::Refresh(args) => args.profile.name(),
                CliCommand::Doctor(args) => args.profile.name(),
                CliCommand::Login(args) => args.profile.name(),
                CliCommand::Logout(args) => args.profile.name(),
                other => panic!("{other:?}"),
            })
        };
        for command in ["status", "refresh", "login", "logout", "doctor"] {
            assert_eq!(profile(&[command]).unwrap(), None);
            let forms: [&[&str]; 3] = [&["work"], &["--profile", "work"], &["--profile=work"]];
            for form in forms {
                let args = [&[command], form].concat();
                assert_eq!(profile(&args).unwrap().as_deref(), Some("work"), "{args:?}");
            }
            let both = profile(&[command, "work", "--profile", "home"]).unwrap_err();
            assert_eq!(both.exit_code(), 2, "{both}");
        }
        for all in [
            &["logout", "--all", "work"][..],
            &["logout", "--all", "--profile=work"],
        ] {
            assert!(profile(all).is_err(), "{all:?}");
        }
    }
}
