//! claviger-helper prints the gateway key that claviger holds: the command that Claude Code's
//! `apiKeyHelper` names, and the key commands of other [clients](client).
//!
//! It asks the user's daemon, which is started if none listens. It prints one key on stdout and
//! exits with 0, or prints nothing on stdout, the problem on stderr, and exits with an
//! [`ExitCode`].

mod args;
mod client;
mod duration;
mod output;
mod settings;
mod value;

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
    process,
    time::Duration,
};

use claviger_wire::{
    Acquire, ExitCode, Failure, Request, Response,
    client::{self as daemon, Client, Deadline, Pending},
    internal_error, on_panic, wipe,
};

use self::{
    args::{Invocation, Options},
    client::ClientDefaults,
};

fn main() -> process::ExitCode {
    on_panic(|place| end(&internal_error(place)));
    run().unwrap_or_else(|failure| report(&failure))
}

/// Prints a failure on stderr and returns its exit code.
fn report(failure: &Failure) -> process::ExitCode {
    // The exit code is all that is left if stderr is closed.
    let _ = io::stderr().write_all(failure.to_text().as_bytes());
    failure.code.into()
}

/// Reports a panic and ends the process, on whichever thread it occurs. The process neither prints
/// a key after it nor dumps core, as by the signal of an abort.
#[expect(
    clippy::exit,
    reason = "the threads of a request do not return to `main`"
)]
fn end(failure: &Failure) {
    report(failure);
    process::exit(failure.code.as_byte().into());
}

fn run() -> Result<process::ExitCode, Failure> {
    let mut args = env::args_os();
    let program = args.next();
    match args::parse(args)? {
        Invocation::Help => Ok(print(args::HELP.as_bytes())),
        Invocation::Version => Ok(print(
            concat!("claviger-helper ", env!("CARGO_PKG_VERSION"), "\n").as_bytes(),
        )),
        Invocation::Print(options) => {
            let client = match options.client {
                Some(client) => client,
                None => client::of_program(program.as_deref())?,
            };
            print_key(options, client)
        }
    }
}

fn print_key(options: Options, client: &ClientDefaults) -> Result<process::ExitCode, Failure> {
    let is_terminal = io::stdout().is_terminal();
    if is_terminal && !options.reveal {
        return Err(Failure::new(
            ExitCode::Denied,
            "the key is not shown on a terminal",
            "set this command as apiKeyHelper in Claude Code's settings, or as the key command of another client, or add --reveal to see the key",
        ));
    }
    let env = &daemon::variable;
    let timeout = settings::timeout_ms(options.timeout_ms, client, env)?;
    let timeout = Duration::from_millis(timeout);
    let acquire = settings::acquire(&options, client, is_terminal, env)?;
    let format = acquire.format;
    let deadline = Deadline::after(timeout);
    daemon::protect_process();
    let socket = options.socket;
    let pending = Pending::start(move || {
        let client = socket.map_or_else(Client::from_env, Client::at)?;
        obtain(&client, acquire, deadline)
    });
    let response = pending
        .wait(deadline)
        .unwrap_or_else(|| Err(daemon::timed_out(timeout)))?;
    let mut text = output::text(format, response)?;
    let code = print(&text);
    wipe(&mut text);
    Ok(code)
}

/// Returns the response that ends the daemon's answer.
fn obtain(client: &Client, mut acquire: Acquire, deadline: Deadline) -> Result<Response, Failure> {
    let answer = client.request_with_variables(|variables| {
        acquire.deadline_ms = deadline.remaining().as_millis() as u64;
        acquire.variables = variables.clone();
        Request::Acquire(acquire.clone())
    })?;
    Ok(answer.into_iter().next_back().unwrap_or(Response::Done))
}

/// Writes `text` to stdout in one write. If stdout is closed, fails silently.
fn print(text: &[u8]) -> process::ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Ok(()) => process::ExitCode::SUCCESS,
        Err(_) => ExitCode::DaemonUnavailable.into(),
    }
}
