//! `claviger logs`.

mod file;
mod journal;
mod line;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use claviger_wire::{ExitCode, Failure, Request};

pub(super) use self::file::Follower;
use self::line::written;
use super::{CliError, client, places};
use crate::{logging::OLDER_FILE_NAME, paths::Starter};

/// The time between two looks at the file: soon enough for a person who waits.
const INTERVAL: Duration = Duration::from_millis(250);

#[derive(Debug, clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  claviger logs                         the last 50 lines
  claviger logs --lines 1000
  claviger logs --follow                then what is written, until Ctrl-C
  claviger logs --json | jq -r 'select(.event == \"key-refused\") | .reason'
",
    "
It prints the file that 'claviger status' names, and the one before it, whether or not a daemon
runs; of a daemon that systemd started, the journal of claviger.service. The README lists the
events."
))]
pub(super) struct LogsArgs {
    /// Go on with what is written, until Ctrl-C
    #[arg(long, short)]
    follow: bool,

    /// How many of the last lines are printed
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    lines: usize,

    /// As one JSON object in each line
    #[arg(long)]
    json: bool,
}

/// Where a daemon logs.
enum Place {
    File(PathBuf),
    /// Its stderr, which is the journal if systemd started it.
    Stderr,
}

pub(super) fn run(args: &LogsArgs) -> Result<(), CliError> {
    let file = match place()? {
        Place::File(file) => file,
        Place::Stderr => return journal::show(args),
    };
    let mut out = io::stdout().lock();
    let older = file::read(&file.with_file_name(OLDER_FILE_NAME));
    let (mut follower, newer) = Follower::open(file.clone());
    if older.is_none() && newer.is_none() && !args.follow {
        return Err(no_log(&file).into());
    }
    let lines: Vec<_> = [older, newer].into_iter().flatten().collect();
    let lines: Vec<_> = lines.iter().flat_map(|text| text.lines()).collect();
    let last = lines.len().saturating_sub(args.lines);
    print(&mut out, lines[last..].iter().copied(), args.json)?;
    if !args.follow {
        return Ok(());
    }
    loop {
        out.flush()?;
        thread::sleep(INTERVAL);
        let added = follower.read();
        print(&mut out, added.lines(), args.json)?;
    }
}

/// Where the daemon that runs logs; without one, where one that a client starts would.
fn place() -> Result<Place, CliError> {
    let request = Request::Status { profile: None };
    // Its log is of most use if a daemon does not answer.
    let daemon = match client::request(request) {
        Ok(Some(answer)) => answer.status()?.daemon,
        Ok(None) | Err(_) => None,
    };
    if let Some(daemon) = daemon {
        return Ok(daemon
            .log
            .map_or(Place::Stderr, |log| Place::File(log.into())));
    }
    let places = places::of(Starter::Client)?.places;
    let unknown = || {
        let hint = "set HOME, or run claviger status: it names the log";
        Failure::new(ExitCode::Usage, "the log's directory is not known", hint)
    };
    Ok(Place::File(places.daemon.log.ok_or_else(unknown)?))
}

fn print<'a>(
    out: &mut impl Write,
    lines: impl Iterator<Item = &'a str>,
    as_json: bool,
) -> io::Result<()> {
    for line in lines {
        writeln!(out, "{}", written(line, as_json))?;
    }
    Ok(())
}

fn no_log(file: &Path) -> Failure {
    let problem = format!("there is no log at '{}'", file.display());
    let hint = "run claviger refresh to start a daemon";
    Failure::new(ExitCode::DaemonUnavailable, problem, hint)
}
