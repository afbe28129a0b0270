//! claviger-helper prints the gateway key that claviger holds: what Claude Code's `apiKeyHelper` names.
//!
//! It asks the user's daemon, which it starts where none listens, and prints one key on stdout and exits 0, or prints
//! nothing there, says why on stderr and exits with one of these codes:
//!
//! | code | meaning |
//! |---|---|
//! | 2 | usage or configuration error |
//! | 3 | a person must log in |
//! | 4 | the gateway rejects the credential |
//! | 5 | the source cannot be reached |
//! | 6 | the source's answer is not a usable key |
//! | 7 | denied: policy, terminal, other user |
//! | 8 | the daemon cannot be started or does not answer in time |

mod args;
mod clock;
mod connect;
mod exchange;
mod failure;
mod output;
mod settings;
mod start;

use std::env;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use claviger_wire::{Acquire, Failure, Response, wipe};

use args::{Command, Options};
use clock::Deadline;
use failure::{DENIED, UNAVAILABLE, USAGE, failure};
use settings::Daemon;
use start::Started;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => failure::report(&failure),
    }
}

fn run() -> Result<ExitCode, Failure> {
    match args::parse(env::args_os().skip(1))? {
        Command::Help => Ok(print(args::HELP.as_bytes())),
        Command::Version => Ok(print(
            concat!("claviger-helper ", env!("CARGO_PKG_VERSION"), "\n").as_bytes(),
        )),
        Command::Print(options) => print_key(options),
    }
}

fn print_key(options: Options) -> Result<ExitCode, Failure> {
    let terminal = io::stdout().is_terminal();
    if terminal && !options.reveal {
        return Err(failure(
            DENIED,
            "the key is not shown on a terminal",
            "let Claude Code run this command (apiKeyHelper); --reveal shows the key where policy allows it",
        ));
    }
    let env = &settings::variable;
    let timeout_ms = settings::timeout_ms(options.timeout_ms, env)?;
    let acquire = settings::acquire(&options, terminal, env)?;
    let deadline = Deadline::after(timeout_ms);
    let log = settings::log_hint(env);
    let answer = clock::within(&deadline, move || obtain(acquire, deadline));
    let late = || {
        let message = format!("the daemon did not answer within {timeout_ms} ms");
        failure(UNAVAILABLE, message, log)
    };
    let mut text = output::text(options.format, answer.ok_or_else(late)??)?;
    let code = print(&text);
    wipe(&mut text);
    Ok(code)
}

/// Asks the daemon, which is started where none listens; once more where it goes away before it has answered: a daemon
/// that is killed costs nobody a call.
fn obtain(mut acquire: Acquire, deadline: Deadline) -> Result<Response, Failure> {
    let daemon = Daemon::locate(&settings::variable)?;
    let mut gone = "";
    for _ in 0..2 {
        let started = match connect::connect(&daemon.socket)? {
            Some(stream) => Started::Connected(stream),
            None => start::start(&daemon)?,
        };
        let connected = match started {
            Started::Connected(stream) => stream,
            Started::Gone(how) => {
                gone = how;
                continue;
            }
        };
        acquire.deadline_ms = deadline.left_ms();
        if let Some(response) = exchange::exchange(connected, &acquire, &daemon)? {
            return Ok(response);
        }
        gone = "the daemon goes away without an answer";
    }
    Err(failure(UNAVAILABLE, gone, daemon.see_log()))
}

/// Writes `text` to stdout at once. Who closed it knows why: nothing is said then.
fn print(text: &[u8]) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(UNAVAILABLE),
    }
}

/// A failure of the command line or the environment.
fn usage(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    failure(USAGE, message, hint)
}
