//! The table of profiles that `status` and `refresh` print.

use std::{
    fmt::Display,
    io::{self, Write},
};

use crate::status_report::ProfileReport;

const HEADER: [&str; 9] = [
    "PROFILE",
    "SOURCE",
    "STATE",
    "KEY",
    "VERSION",
    "ISSUED",
    "SEEN CURRENT",
    "EXPIRES",
    "NEXT REFRESH",
];

/// Prints one row for each profile, then the errors and the advice.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn print(out: &mut impl Write, profiles: &[ProfileReport]) -> io::Result<()> {
    let mut rows = vec![HEADER.map(str::to_owned)];
    rows.extend(profiles.iter().map(row));
    let mut widths = [0; HEADER.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in &rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    for profile in profiles {
        let name = &profile.name;
        if let Some(error) = &profile.last_error {
            writeln!(out, "{name}: {error}")?;
        }
        if let Some(since) = &profile.rejected_since {
            writeln!(
                out,
                "{name}: the gateway has rejected the key since {since}"
            )?;
        }
        for advice in &profile.advice {
            writeln!(out, "{name}: {advice}")?;
        }
    }
    Ok(())
}

fn row(profile: &ProfileReport) -> [String; HEADER.len()] {
    [
        profile.name.clone(),
        profile.source.clone(),
        profile.state.to_string(),
        cell(profile.fingerprint.as_ref()),
        cell(profile.version),
        cell(profile.issued_at),
        cell(profile.seen_current_at),
        cell(profile.expires_at),
        cell(profile.next_refresh_at),
    ]
}

/// A cell; a dash if there is no value.
fn cell(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status_report::ProfileState;

    #[test]
    fn columns_are_aligned_and_errors_below() {
        let time = |text: &str| Some(text.parse().unwrap());
        let profiles = [
            ProfileReport {
                name: "default".to_owned(),
                source: "team-vault".to_owned(),
                state: ProfileState::Ready,
                fingerprint: Some("ba7816bf8f01".to_owned()),
                version: Some(3),
                issued_at: time("2026-11-21T08:00:00Z"),
                seen_current_at: time("2026-11-21T08:05:30Z"),
                ..ProfileReport::default()
            },
            ProfileReport {
                name: "x".to_owned(),
                source: "s".to_owned(),
                state: ProfileState::Unreachable,
                last_error: Some("'v' refused the connection".to_owned()),
                ..ProfileReport::default()
            },
        ];
        let mut out = Vec::new();
        print(&mut out, &profiles).unwrap();
        let expected = "\
PROFILE  SOURCE      STATE        KEY           VERSION  ISSUED                SEEN CURRENT          EXPIRES  NEXT REFRESH
default  team-vault  ready        ba7816bf8f01  3        2026-11-21T08:00:00Z  2026-11-21T08:05:30Z  -        -
x        s           unreachable  -             -        -                     -                     -        -
x: 'v' refused the connection
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
