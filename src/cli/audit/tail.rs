//! `claviger audit tail`.

use std::{
    collections::VecDeque,
    io::{self, Write},
    thread,
    time::Duration,
};

use claviger_wire::visible;

use super::{files, line, settings, unreadable};
use crate::{
    audit::{LineOf, read},
    cli::{CliError, logs::Follower},
};

/// The time between two looks at the file: soon enough for a person who waits.
const INTERVAL: Duration = Duration::from_millis(250);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger audit tail -n 100          the last 100 records
  claviger audit tail --follow        then what is written, until Ctrl-C
  claviger audit tail --json | jq -r 'select(.event == \"refusal\") | .message'

Times are in UTC. With --json, lines are as they are in the file.")]
pub(super) struct TailArgs {
    /// Go on with what is written, until Ctrl-C
    #[arg(long, short)]
    follow: bool,

    /// How many of the last records are printed
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    lines: usize,

    /// As one JSON object in each line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &TailArgs) -> Result<(), CliError> {
    let settings = settings()?;
    let path = settings.directory.join(settings.names.log());
    let mut older = match files(&settings) {
        Ok(files) => files,
        Err(_) if args.follow => Vec::new(),
        Err(failure) => return Err(failure.into()),
    };
    older.retain(|file| *file != path);
    let (mut follower, current) = Follower::open(path);
    let current = current.unwrap_or_default();
    let count = current.lines().count();
    let mut out = io::stdout().lock();
    for line in last(&older, args.lines.saturating_sub(count))? {
        print(&mut out, &line, args.json)?;
    }
    for line in current.lines().skip(count.saturating_sub(args.lines)) {
        print(&mut out, line, args.json)?;
    }
    if !args.follow {
        return Ok(());
    }
    loop {
        out.flush()?;
        thread::sleep(INTERVAL);
        for line in follower.read().lines() {
            print(&mut out, line, args.json)?;
        }
    }
}

/// The last `count` lines of `files`.
fn last(files: &[std::path::PathBuf], count: usize) -> Result<VecDeque<String>, CliError> {
    let mut last = VecDeque::new();
    // From the newest file back, as long as lines are missing.
    for file in files.iter().rev() {
        let missing = count - last.len();
        if missing == 0 {
            break;
        }
        let mut of_file = VecDeque::new();
        let failed = |error| unreadable(file, &error);
        let mut lines = read::lines(file).map_err(failed)?;
        while let Some(line) = lines.next().map_err(failed)? {
            let line = match line {
                LineOf::Whole(bytes) | LineOf::Unfinished(bytes) => {
                    String::from_utf8_lossy(bytes).into_owned()
                }
                LineOf::TooLong => "(a line that is longer than any record)".to_owned(),
            };
            if of_file.len() == missing {
                of_file.pop_front();
            }
            of_file.push_back(line);
        }
        for line in of_file.into_iter().rev() {
            last.push_front(line);
        }
    }
    Ok(last)
}

fn print(out: &mut impl Write, line: &str, as_json: bool) -> io::Result<()> {
    let text = match as_json {
        true => visible(line),
        false => line::for_person(line),
    };
    writeln!(out, "{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_may_be_of_several_files() {
        let temp = tempfile::tempdir().unwrap();
        let files: Vec<_> = ["1\n2\n3\n", "4\n", "5\n6"]
            .iter()
            .enumerate()
            .map(|(number, text)| {
                let file = temp.path().join(number.to_string());
                std::fs::write(&file, text).unwrap();
                file
            })
            .collect();
        let last = |count| Vec::from(last(&files, count).unwrap()).join(" ");
        assert_eq!(last(0), "");
        assert_eq!(last(1), "6");
        assert_eq!(last(4), "3 4 5 6");
        assert_eq!(last(100), "1 2 3 4 5 6");
    }
}
