//! `claviger stop`; each system has a file for `--all-users`.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{io, thread, time::Duration};

use claviger_wire::{Request, client::Deadline};

#[cfg(unix)]
use self::unix::stop_all;
#[cfg(windows)]
use self::windows::stop_all;
use super::{CliError, client, client::Answer, output, socket_args::SocketArgs};
use crate::client_process;

/// The longest wait for the end of the process: the daemon gives requests under way 2 s, which
/// wait for their sources at most that long.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two looks at the process.
const INTERVAL: Duration = Duration::from_millis(10);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger stop                    after an update, for example
  sudo claviger stop --all-users   every user's daemon on this machine

It is always safe: the next call of claviger-helper starts a daemon.")]
pub(super) struct StopArgs {
    /// The daemons of all users; only for root or an administrator
    #[arg(long)]
    all_users: bool,

    #[command(flatten)]
    socket: SocketArgs,
}

pub(super) fn run(args: &StopArgs) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    if args.all_users {
        return stop_all(&mut out);
    }
    // The process's id; a daemon that cannot report it is stopped all the same.
    let status = Request::Status { profile: None };
    let pid = client::request_at(args.socket.clone(), status);
    let pid = pid.ok().flatten().and_then(|answer| pid_of(&answer));
    let result = match client::request_at(args.socket.clone(), Request::Stop)? {
        Some(_) => ended(pid),
        None => "no daemon was running".to_owned(),
    };
    output::paragraph(&mut out, &result)?;
    Ok(())
}

/// Waits for the end of the process that has closed its socket, and says what became of it.
fn ended(pid: Option<u32>) -> String {
    let Some(pid) = pid else {
        return "the daemon has closed its socket and ends".to_owned();
    };
    let deadline = Deadline::after(END_TIMEOUT);
    while client_process::is_running(pid) {
        if deadline.remaining().is_zero() {
            return format!("the daemon has closed its socket; its process {pid} is still ending");
        }
        thread::sleep(INTERVAL);
    }
    "the daemon has ended".to_owned()
}

fn pid_of(answer: &Answer) -> Option<u32> {
    Some(answer.status().ok()?.daemon?.pid)
}
