//! The report as text: finding, evidence, remedy, the worst first.

use std::{
    env,
    io::{self, IsTerminal as _, Write},
};

use crate::{
    cli::output,
    doctor::{
        check::Check,
        finding::{Finding, Severity},
        report::Report,
    },
};

/// Prints a report, with colour if stdout is a terminal.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn report(out: &mut impl Write, report: &Report) -> io::Result<()> {
    print(out, report, has_colour())
}

/// Prints one finding, as [`report`] does.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn finding(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    print_finding(out, finding, has_colour())
}

/// Prints the table of all checks.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn checks<'a>(
    out: &mut impl Write,
    checks: impl Iterator<Item = &'a Check>,
) -> io::Result<()> {
    for check in checks {
        let Check {
            id,
            severity,
            detects,
            family: _,
        } = check;
        output::paragraph(out, &format!("{id} ({}): {detects}", name(*severity)))?;
    }
    Ok(())
}

/// Whether to use colour: <https://no-color.org>.
fn has_colour() -> bool {
    // Only Unix's terminals are sure to know the sequences.
    let is_wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    cfg!(unix) && is_wanted && io::stdout().is_terminal()
}

/// Prints a report.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn print(out: &mut impl Write, report: &Report, colour: bool) -> io::Result<()> {
    for finding in &report.findings {
        print_finding(out, finding, colour)?;
        writeln!(out)?;
    }
    output::paragraph(out, &summary(report))?;
    output::checklist(out, &report.checklist)
}

fn print_finding(out: &mut impl Write, finding: &Finding, colour: bool) -> io::Result<()> {
    let Finding {
        id,
        severity,
        family: _,
        profile,
        finding,
        evidence,
        remedy,
    } = finding;
    let of = profile.as_ref().map(|name| format!(" in profile '{name}'"));
    let name = name(*severity);
    let text = format!("{name}{}: {finding} [{id}]", of.unwrap_or_default());
    let mut plain = Vec::new();
    output::paragraph(&mut plain, &text)?;
    // The sequences are added last: the text itself must contain none.
    match colour {
        true => {
            write!(out, "\u{1b}[{}m{name}\u{1b}[0m", code(*severity))?;
            out.write_all(&plain[name.len()..])?;
        }
        false => out.write_all(&plain)?,
    }
    for line in evidence {
        output::indented(out, &format!("- {line}"))?;
    }
    output::indented(out, &format!("remedy: {remedy}"))
}

/// "1 fatal, 2 warnings", or how much was checked.
pub(super) fn summary(report: &Report) -> String {
    let counts = [
        (report.count(Severity::Fatal), "fatal", "fatal"),
        (report.count(Severity::Warning), "warning", "warnings"),
        (report.count(Severity::Note), "note", "notes"),
    ];
    let counts = counts.iter().filter(|(number, ..)| *number > 0);
    let counts: Vec<_> = counts
        .map(|(number, one, more)| format!("{number} {}", if *number == 1 { one } else { more }))
        .collect();
    let checks = report.checked.len();
    let found = match counts.is_empty() {
        true => "no problem found".to_owned(),
        false => counts.join(", "),
    };
    format!("{found}; {checks} checks")
}

const fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Fatal => "fatal",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// The colour: red, yellow, blue.
const fn code(severity: Severity) -> u8 {
    match severity {
        Severity::Fatal => 31,
        Severity::Warning => 33,
        Severity::Note => 34,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Timestamp, doctor::finding::Family};

    const CHECK: Check = Check::new(
        Family::Machine,
        Severity::Fatal,
        "machine.broken",
        "what is broken",
    );

    fn printed(report: &Report, colour: bool) -> String {
        let mut out = Vec::new();
        print(&mut out, report, colour).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn report(findings: Vec<Finding>) -> Report {
        let checked = vec!["machine.broken".to_owned(); 3];
        Report::new(Timestamp::default(), checked, findings, Vec::new())
    }

    #[test]
    fn finding_evidence_and_remedy_are_in_that_order_and_wrapped() {
        let long = "word ".repeat(30);
        let found = CHECK.found("it is broken", ["seen".to_owned(), long], "mend it");
        let text = printed(&report(vec![found]), false);
        let first = "fatal: it is broken [machine.broken]\n  - seen\n  - word word";
        assert!(text.starts_with(first), "{text}");
        assert!(
            text.ends_with("\n  remedy: mend it\n\n1 fatal; 3 checks\n"),
            "{text}"
        );
        assert!(
            text.lines()
                .all(|line| line.chars().count() <= output::WIDTH)
        );
    }

    #[test]
    fn a_profile_is_named_and_nothing_found_is_a_statement() {
        let mut found = CHECK.found("it is broken", [], "mend it");
        found.profile = Some("work".to_owned());
        let text = printed(&report(vec![found]), false);
        assert!(
            text.starts_with("fatal in profile 'work': it is broken"),
            "{text}"
        );
        assert_eq!(
            printed(&report(Vec::new()), false),
            "no problem found; 3 checks\n"
        );
    }

    #[test]
    fn only_colour_is_a_sequence_that_a_terminal_obeys() {
        let hostile = "a\u{1b}[2Jb\u{9b}c\nd";
        let found = CHECK.found(hostile, [hostile.to_owned()], hostile);
        let report = report(vec![found]);
        let text = printed(&report, false);
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
        let coloured = printed(&report, true);
        assert!(
            coloured.starts_with("\u{1b}[31mfatal\u{1b}[0m: "),
            "{coloured:?}"
        );
        assert_eq!(coloured.matches('\u{1b}').count(), 2, "{coloured:?}");
    }

    #[test]
    fn every_severity_is_counted() {
        let found = |severity| Finding {
            severity,
            ..CHECK.found("", [], "")
        };
        let (fatal, warning, note) = (Severity::Fatal, Severity::Warning, Severity::Note);
        let findings = [note, warning, fatal, warning].map(found);
        let report = report(findings.to_vec());
        assert_eq!(summary(&report), "1 fatal, 2 warnings, 1 note; 3 checks");
    }
}
