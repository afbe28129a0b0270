//! `claviger doctor --bundle FILE`: what support needs, in one archive.
//!
//! Every file of it keeps the rule of the report: it contains no secret.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use claviger_wire::{ExitCode, Failure, Request};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::print;
use crate::{
    cli::{
        CliError, client,
        config::show::{as_json, values},
        output,
    },
    config::{Config, ConfigError, ShownValue},
    doctor::{report::Report, without_credentials},
    logging,
};

/// The directory in the archive.
const DIRECTORY: &str = "claviger-doctor";

/// The end of the log that is added, in bytes.
const LOG_TAIL: u64 = 256 * 1024;

/// The tables of a configuration whose values are anything, and may be secrets.
const OPEN_TABLES: [&str; 3] = ["headers", "parameters", "claims"];

/// What stands in place of a value that may be a secret.
const REDACTED: &str = "(left out)";

/// One file of the archive.
struct Entry {
    name: &'static str,
    text: String,
}

/// Writes the archive, which must not exist, and lists its contents.
pub(super) fn write(
    out: &mut impl Write,
    file: &Path,
    report: &Report,
    config: Result<&Config, &ConfigError>,
    log: Option<&Path>,
) -> Result<(), CliError> {
    let cannot = |error: io::Error| {
        let problem = format!("cannot write '{}': {error}", file.display());
        let hint = "name a file that does not exist, in a directory of your own";
        Failure::new(ExitCode::Usage, problem, hint)
    };
    let entries = entries(report, config, log)?;
    let archive = create(file).map_err(cannot)?;
    pack(archive, report, &entries).map_err(cannot)?;
    output::paragraph(out, &format!("wrote {}, with", file.display()))?;
    for Entry { name, text } in &entries {
        output::indented(out, &format!("{name}, {} bytes", text.len()))?;
    }
    output::paragraph(
        out,
        "It contains no secret, but the names of users and hosts.",
    )?;
    Ok(())
}

fn entries(
    report: &Report,
    config: Result<&Config, &ConfigError>,
    log: Option<&Path>,
) -> io::Result<Vec<Entry>> {
    let mut text = Vec::new();
    print::print(&mut text, report, false)?;
    let status = match client::request(Request::Status { profile: None }) {
        Ok(Some(answer)) => answer.status().ok(),
        _ => None,
    };
    let config = match config {
        Ok(config) => match values(config) {
            Ok(values) => as_json(&config.file, values.into_iter().map(redacted).collect()),
            Err(error) => json!({"error": error.to_string()}),
        },
        Err(error) => json!({"error": error.to_string()}),
    };
    let log = log.and_then(|log| logging::tail(log, LOG_TAIL).ok());
    let entries = [
        ("report.json", pretty(&serde_json::to_value(report)?)?),
        ("report.txt", String::from_utf8_lossy(&text).into_owned()),
        ("status.json", pretty(&serde_json::to_value(status)?)?),
        ("config.json", pretty(&config)?),
        ("daemon.log", log.unwrap_or_default()),
    ];
    Ok(entries
        .map(|(name, text)| Entry {
            name,
            text: without_credentials(&text),
        })
        .into())
}

fn pretty(value: &Value) -> io::Result<String> {
    let mut text = Vec::new();
    output::json(&mut text, value)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `shown` without what may be a secret: the arguments of a program, and the values of tables that
/// contain anything.
fn redacted(mut shown: ShownValue) -> ShownValue {
    if shown
        .path
        .iter()
        .any(|key| OPEN_TABLES.contains(&key.as_str()))
    {
        shown.value = REDACTED.into();
    } else if shown.path.last().is_some_and(|key| key == "command")
        && let toml::Value::Array(items) = &mut shown.value
    {
        for argument in items.iter_mut().skip(1) {
            *argument = REDACTED.into();
        }
    }
    shown
}

/// Creates the file for this user alone.
fn create(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

fn pack(archive: File, report: &Report, entries: &[Entry]) -> io::Result<()> {
    let encoder = GzEncoder::new(archive, Compression::default());
    let mut tar = tar::Builder::new(encoder);
    for Entry { name, text } in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(report.at.as_second().unsigned_abs());
        tar.append_data(&mut header, format!("{DIRECTORY}/{name}"), text.as_bytes())?;
    }
    tar.into_inner()?.finish()?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ValueOrigin;

    #[test]
    fn what_may_be_a_secret_is_left_out() {
        let shown = |path: &[&str], value: toml::Value| {
            let value = redacted(ShownValue {
                path: path.iter().map(|key| (*key).to_owned()).collect(),
                value,
                origin: ValueOrigin::File { line: 1, column: 1 },
            });
            value.value.to_string()
        };
        let command = toml::Value::from(vec!["/bin/echo", "s3cret", "more"]);
        let kept = shown(&["source", "s", "command"], command);
        assert_eq!(
            kept,
            format!("[\"/bin/echo\", \"{REDACTED}\", \"{REDACTED}\"]")
        );
        for table in OPEN_TABLES {
            let value = shown(&["profile", "p", table, "x-key"], "s3cret".into());
            assert_eq!(value, format!("\"{REDACTED}\""));
        }
        assert_eq!(shown(&["source", "s", "path"], "a/b".into()), "\"a/b\"");
    }

    #[test]
    fn the_archive_is_private_and_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("b.tar.gz");
        let entry = Entry {
            name: "report.txt",
            text: "text".to_owned(),
        };
        pack(create(&file).unwrap(), &Report::default(), &[entry]).unwrap();
        let decoder = flate2::read::GzDecoder::new(File::open(&file).unwrap());
        let mut archive = tar::Archive::new(decoder);
        let names = archive.entries().unwrap().map(|entry| {
            let path = entry.unwrap().path().unwrap().into_owned();
            path.to_str().unwrap().to_owned()
        });
        assert_eq!(names.collect::<Vec<_>>(), ["claviger-doctor/report.txt"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        }
        let again = create(&file).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }
}
