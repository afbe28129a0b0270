//! `claviger doctor --all-users`: this command as each user, with that user's rights alone.

use std::io::{self, Write};

use claviger_wire::{ExitCode, Failure};
use serde::Serialize;

use super::{DoctorArgs, print};
use crate::{
    cli::{
        CliError,
        all_users::{self, UserAccount},
        output,
    },
    doctor::{finding::Finding, report::Report},
};

/// The report of one user.
#[derive(Serialize)]
struct UserReport {
    #[serde(flatten)]
    user: UserAccount,
    report: Option<Report>,
    /// Why there is none.
    error: Option<String>,
}

/// The JSON object of `--all-users`.
#[derive(Serialize)]
struct AllUsers {
    users: Vec<UserReport>,
}

/// Runs the command as every user who uses Claviger. It starts no daemon and sends no message.
pub(super) fn run(args: &DoctorArgs) -> Result<(), CliError> {
    let profile = args.profile.name().map(|name| format!("--profile={name}"));
    let mut line = vec!["doctor", "--json", "--no-start", "--no-message"];
    line.extend(profile.as_deref());
    let mut failures = Vec::new();
    let mut users = Vec::new();
    for (user, output) in all_users::run(&line)? {
        let report = output.and_then(|text| parse(&text));
        let (report, error) = match report {
            Ok(report) => (Some(report), None),
            Err(error) => {
                let problem = format!("user {user}: {error}");
                let hint = "run claviger doctor as that user";
                failures.push(Failure::new(ExitCode::DaemonUnavailable, problem, hint));
                (None, Some(error))
            }
        };
        users.push(UserReport {
            user,
            report,
            error,
        });
    }
    let is_fatal = |user: &UserReport| user.report.as_ref().is_some_and(Report::is_fatal);
    let is_fatal = users.iter().any(is_fatal);
    let mut out = io::stdout().lock();
    match args.json {
        true => output::json(&mut out, &AllUsers { users })?,
        false => print_all(&mut out, users)?,
    }
    match is_fatal {
        true => Err(CliError::Ended(1)),
        false if !failures.is_empty() => Err(CliError::Failures(failures)),
        false => Ok(()),
    }
}

/// Parses what the command printed; nothing is printed for a profile that the user lacks.
fn parse(text: &str) -> Result<Report, String> {
    let report = serde_json::from_str(text);
    report.map_err(|_| "the command printed no report".to_owned())
}

/// Prints what all users have in common once, and then the rest of each.
fn print_all(out: &mut impl Write, mut users: Vec<UserReport>) -> io::Result<()> {
    if users.is_empty() {
        return output::paragraph(out, "no user uses Claviger on this machine");
    }
    let mut reports: Vec<_> = users.iter_mut().filter_map(|u| u.report.as_mut()).collect();
    let common = take_common(&mut reports);
    if !common.is_empty() {
        output::paragraph(out, &format!("all {} users:", users.len()))?;
        for finding in &common {
            print::finding(out, finding)?;
        }
        writeln!(out)?;
    }
    for (index, user) in users.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        output::paragraph(out, &format!("user {}:", user.user))?;
        match (&user.report, &user.error) {
            (Some(report), _) => print::report(out, report)?,
            (None, error) => output::indented(out, error.as_deref().unwrap_or_default())?,
        }
    }
    Ok(())
}

/// Removes the findings that all reports contain, of which there are at least two: they are about
/// the machine.
fn take_common(reports: &mut [&mut Report]) -> Vec<Finding> {
    let [first, others @ ..] = &*reports else {
        return Vec::new();
    };
    if others.is_empty() {
        return Vec::new();
    }
    let in_all = |finding: &&Finding| others.iter().all(|of| of.findings.contains(finding));
    let common: Vec<_> = first.findings.iter().filter(in_all).cloned().collect();
    for report in reports {
        report.findings.retain(|finding| !common.contains(finding));
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        doctor::{
            check::Check,
            finding::{Family, Severity},
        },
    };

    fn report(findings: &[&str]) -> Report {
        let check = Check::new(Family::Machine, Severity::Note, "machine.x", "x");
        let findings = findings.iter().map(|text| check.found(*text, [], "do"));
        Report::new(Timestamp::default(), vec![], findings.collect(), vec![])
    }

    #[test]
    fn what_all_have_in_common_is_printed_once() {
        let texts = |findings: &[Finding]| -> Vec<String> {
            findings.iter().map(|found| found.finding.clone()).collect()
        };
        let [mut a, mut b] = [report(&["m", "a"]), report(&["b", "m"])];
        let common = take_common(&mut [&mut a, &mut b]);
        assert_eq!(texts(&common), ["m"]);
        assert_eq!(
            (texts(&a.findings), texts(&b.findings)),
            (vec!["a".to_owned()], vec!["b".to_owned()])
        );
        let mut alone = report(&["m"]);
        assert!(take_common(&mut [&mut alone]).is_empty());
        assert_eq!(texts(&alone.findings), ["m"]);
        assert!(take_common(&mut []).is_empty());
    }

    #[test]
    fn what_another_user_prints_is_a_report_or_an_error() {
        let text = serde_json::to_string(&report(&["m"])).unwrap();
        assert_eq!(parse(&text).unwrap(), report(&["m"]));
        for text in ["", "claviger: no", "[]x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
