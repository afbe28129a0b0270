//! `claviger audit verify`.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use claviger_wire::{ExitCode, Failure};
use serde::Serialize;

use super::{files, settings, unreadable};
use crate::{
    audit::{Expected, Head, Note, Verdict, read},
    cli::{CliError, output},
};

#[derive(Debug, clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  claviger audit verify                     the log of this machine's daemon
  claviger audit verify --json              for a script
  claviger audit verify --head 812:3fa1…    up to a record that a collector has
  claviger audit verify --copy collected    up to the last record of a copy
  claviger audit verify collected           a copy itself, or a part of one
",
    "
Exit codes: 0 the log is as it was written; 1 it is not, and each line that is wrong is named. \
Only a head or a copy from elsewhere shows that the whole log was not written anew."
))]
pub(super) struct VerifyArgs {
    /// The files, the oldest first; by default the log of the daemon
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The number and the hash of a record, as known from elsewhere
    #[arg(long, value_name = "SEQ:HASH")]
    head: Option<Head>,

    /// A copy from elsewhere, whose last record is known therefore
    #[arg(long, value_name = "FILE")]
    copy: Option<PathBuf>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// The result, for scripts. The names are a contract.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    is_whole: bool,
    records: u64,
    head: Option<String>,
    problems: Vec<Problem>,
    more_problems: u64,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Problem {
    file: String,
    line: u64,
    problem: &'static str,
    message: String,
}

pub(super) fn run(args: &VerifyArgs) -> Result<(), CliError> {
    let mut heads: Vec<Head> = args.head.into_iter().collect();
    if let Some(copy) = &args.copy {
        heads.push(last_of(copy)?);
    }
    let is_part = !args.files.is_empty();
    let paths = match is_part {
        true => args.files.clone(),
        false => {
            let settings = settings()?;
            let noted = read::noted_head(&settings.directory, &settings.names);
            heads.extend(noted);
            let found = files(&settings);
            // Without any file, the noted head says that all records are missing.
            if found.is_err() && noted.is_some() {
                Vec::new()
            } else {
                found?
            }
        }
    };
    let expected = Expected {
        is_part,
        heads: &heads,
    };
    let verdict =
        read::verify(&paths, expected).map_err(|(path, error)| unreadable(&path, &error))?;
    let report = report(&paths, &verdict);
    let mut out = io::stdout().lock();
    match args.json {
        true => output::json(&mut out, &report)?,
        false => print(&mut out, &report)?,
    }
    match report.is_whole {
        true => Ok(()),
        false => Err(CliError::Ended(1)),
    }
}

/// The last record of a copy.
fn last_of(copy: &Path) -> Result<Head, Failure> {
    let expected = Expected {
        is_part: true,
        heads: &[],
    };
    let verdict = read::verify(&[copy.to_owned()], expected);
    let verdict = verdict.map_err(|(path, error)| unreadable(&path, &error))?;
    verdict.head.ok_or_else(|| {
        let problem = format!("'{}' contains no record", copy.display());
        Failure::new(
            ExitCode::Usage,
            problem,
            "name a file with lines of the audit log",
        )
    })
}

pub(super) fn report(paths: &[PathBuf], verdict: &Verdict) -> Report {
    let file = |number: usize| {
        let path = paths.get(number);
        path.map_or("(no file)".to_owned(), |path| path.display().to_string())
    };
    let note = |note: &Note| match note {
        Note::CutByCrash(place) => {
            let file = file(place.file);
            format!(
                "{file}:{}: cut by a crash, as the next record says",
                place.line
            )
        }
        Note::StartsAt(seq) => format!("starts at record {seq}: older files were removed in turn"),
    };
    let mut notes: Vec<_> = verdict.notes.iter().map(note).collect();
    if !verdict.has_known_end && verdict.problems.is_empty() {
        notes.push("nothing shows that no record is missing at the end".to_owned());
    }
    Report {
        is_whole: verdict.problems.is_empty(),
        records: verdict.records,
        head: verdict.head.map(|head| head.to_string()),
        problems: verdict
            .problems
            .iter()
            .map(|problem| Problem {
                file: file(problem.place.file),
                line: problem.place.line,
                problem: problem.kind.name(),
                message: problem.kind.to_string(),
            })
            .collect(),
        more_problems: verdict.more_problems,
        notes,
    }
}

pub(super) fn print(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for problem in &report.problems {
        let Problem {
            file,
            line,
            message,
            ..
        } = problem;
        output::paragraph(out, &format!("{file}:{line}: {message}"))?;
    }
    if report.more_problems > 0 {
        let text = format!("and {} more problems", report.more_problems);
        output::paragraph(out, &text)?;
    }
    for note in &report.notes {
        output::paragraph(out, &format!("note: {note}"))?;
    }
    let result = match report.is_whole {
        true => "the chain is whole",
        false => "the log is not as it was written",
    };
    output::paragraph(out, &format!("{} records: {result}", report.records))?;
    if let Some(head) = &report.head {
        writeln!(out, "head {head}")?;
    }
    Ok(())
}
