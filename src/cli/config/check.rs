//! `claviger config check`.

use std::{
    env,
    io::{self, Write as _},
    path::Path,
};

use claviger_wire::{visible, warning};
use serde_json::{Value, json};

use crate::{
    cli::{CliError, places},
    config::{self, Config, ConfigError, Finding, Locations, Problem, Severity},
    error_report,
    paths::Starter,
    source,
};

/// Checks a configuration: `file`, or the one that the daemon reads.
///
/// # Errors
///
/// [`CliError::Problems`] with everything that is wrong.
pub(in crate::cli) fn run(file: Option<&Path>, json: bool) -> Result<(), CliError> {
    let locations = places::of(Starter::Client)?.locations;
    let checked = check(&locations, file);
    if json {
        writeln!(io::stdout(), "{:#}", as_json(&checked))?;
        return match is_valid(&checked) {
            true => Ok(()),
            false => Err(CliError::Problems(Vec::new())),
        };
    }
    report(&checked.map_err(|error| all_problems(&error))?)
}

/// A configuration that can be parsed, and what was found in it.
struct Checked {
    config: Config,
    findings: Vec<Finding>,
}

impl Checked {
    /// The findings of one severity.
    fn of(&self, severity: Severity) -> impl Iterator<Item = &Problem> {
        let findings = self.findings.iter();
        findings
            .filter(move |finding| finding.severity == severity)
            .map(|finding| &finding.problem)
    }
}

/// Reads and reviews the configuration as the daemon of this user does, with the variables of this
/// process, which stands for a client.
fn check(locations: &Locations, file: Option<&Path>) -> Result<Checked, ConfigError> {
    let config = match file {
        Some(file) => config::load_file(locations, file)?,
        None => config::load(locations)?,
    };
    let findings = source::findings(&config, |name| env::var(name).ok())?;
    Ok(Checked { config, findings })
}

fn is_valid(checked: &Result<Checked, ConfigError>) -> bool {
    checked
        .as_ref()
        .is_ok_and(|checked| checked.of(Severity::Error).next().is_none())
}

/// Prints the warnings, and then the errors or else a summary.
fn report(checked: &Checked) -> Result<(), CliError> {
    let config = &checked.config;
    let at = |problem: &Problem| problem.at(&config.file);
    let warnings: Vec<_> = checked.of(Severity::Warning).map(at).collect();
    let lines: String = warnings.iter().map(|text| warning(text)).collect();
    // The exit code is all that is left if stderr is closed.
    let _ = io::stderr().write_all(lines.as_bytes());
    let errors: Vec<_> = checked.of(Severity::Error).map(at).collect();
    if !errors.is_empty() {
        return Err(CliError::Problems(errors));
    }
    let mut summary = format!(
        "{}: valid; {} and {}",
        visible(&config.file.display().to_string()),
        count(config.profiles.len(), "profile"),
        count(config.sources.len(), "source"),
    );
    if !warnings.is_empty() {
        summary.push_str("; ");
        summary.push_str(&count(warnings.len(), "warning"));
    }
    Ok(writeln!(io::stdout(), "{summary}")?)
}

/// `{"file", "valid", "errors", "warnings"}`. An error without a place, such as a file that cannot
/// be read, has no line and a hint.
fn as_json(checked: &Result<Checked, ConfigError>) -> Value {
    let located = |problem: &Problem| json!({"line": problem.line, "column": problem.column, "message": problem.message});
    let (file, errors, warnings) = match checked {
        Ok(checked) => (
            Some(checked.config.file.as_path()),
            checked.of(Severity::Error).map(located).collect(),
            checked.of(Severity::Warning).map(located).collect(),
        ),
        Err(error) => {
            let mut errors: Vec<_> = error.problems().map(located).collect();
            if errors.is_empty() {
                errors.push(
                    json!({"line": null, "column": null, "message": error.to_string(),
                    "hint": error.hint()}),
                );
            }
            (error.file(), errors, Vec::new())
        }
    };
    json!({"file": file, "valid": is_valid(checked), "errors": errors, "warnings": warnings})
}

/// Every problem of the file, or what else is wrong. The first one alone, as other commands report
/// it, comes with the hint to run `claviger config check`.
pub(in crate::cli) fn all_problems(error: &ConfigError) -> CliError {
    let problems = error.file().map_or_else(Vec::new, |file| {
        error.problems().map(|problem| problem.at(file)).collect()
    });
    if problems.is_empty() {
        CliError::Failure(error_report::of_config(error))
    } else {
        CliError::Problems(problems)
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
