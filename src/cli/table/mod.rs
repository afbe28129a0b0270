//! The table of profiles that `status` and `refresh` print.

mod colour;
mod notes;

use std::{
    fmt::Display,
    io::{self, Write},
};

use claviger_wire::visible;

pub(super) use self::colour::Colour;
use super::output::{self, WIDTH};
use crate::{
    clock::Timestamp,
    status_report::{ProfileReport, ProfileState, VariablesReport},
};

/// The columns of the table that fits [`WIDTH`].
const NARROW: [&str; 6] = ["PROFILE", "SOURCE", "STATE", "KEY", "EXPIRES", "CHECKED"];

/// The longest cell of each but the first two columns, which share the rest: a state, a
/// fingerprint, two [relative times](output::relative).
const MAX_CELLS: [usize; 4] = [14, 12, 10, 10];

const WIDE: [&str; 10] = [
    "PROFILE",
    "SOURCE",
    "GATEWAY",
    "STATE",
    "KEY",
    "VERSION",
    "ISSUED",
    "SEEN CURRENT",
    "EXPIRES",
    "NEXT REFRESH",
];

/// How many digits of a fingerprint distinguish the rows of one profile: a user's terminals have a
/// handful of values.
const TAG: usize = 4;

/// The space between two columns.
const GAP: usize = 2;

/// How much is printed about each profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// What fits [`WIDTH`] columns, with times relative to this one.
    Narrow(Timestamp),
    /// Everything.
    Wide,
}

/// Prints one row for each profile, then the notes on each; those that fail come first.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn print(
    out: &mut impl Write,
    profiles: &[ProfileReport],
    width: Width,
    colour: Colour,
) -> io::Result<()> {
    let mut profiles: Vec<_> = profiles.iter().collect();
    profiles.sort_by_key(|profile| !is_failing(profile));
    let states = profiles.iter().map(|profile| Some(&profile.state));
    let states: Vec<_> = std::iter::once(None).chain(states).collect();
    match width {
        Width::Narrow(now) => {
            let mut rows = vec![NARROW.map(str::to_owned)];
            rows.extend(profiles.iter().map(|profile| narrow(profile, now)));
            let tags = profiles.iter().map(|profile| tag(profile));
            let tags: Vec<_> = std::iter::once(String::new()).chain(tags).collect();
            shorten(&mut rows, &tags);
            align(out, &rows, &states, colour)?;
        }
        Width::Wide => {
            let mut rows = vec![WIDE.map(str::to_owned)];
            rows.extend(profiles.iter().map(|profile| wide(profile)));
            align(out, &rows, &states, colour)?;
        }
    }
    for profile in profiles {
        notes::print(out, profile, width)?;
    }
    Ok(())
}

/// Whether a request for the key fails now, or the last attempt to replace the key did.
fn is_failing(profile: &ProfileReport) -> bool {
    profile.error_code.is_some()
        || profile.last_error.is_some()
        || !matches!(profile.state, ProfileState::Ready | ProfileState::Empty)
}

/// The profile's name. If it has a row for each set of values of the client's variables, the start
/// of their fingerprint follows.
fn label(profile: &ProfileReport) -> String {
    format!("{}{}", profile.name, tag(profile))
}

/// ` [1a2b]`: what distinguishes the rows of one profile; empty if it has only one.
fn tag(profile: &ProfileReport) -> String {
    profile.variables.as_ref().map_or_else(String::new, |of| {
        let start: String = of.fingerprint.chars().take(TAG).collect();
        format!(" [{}]", visible(&start))
    })
}

/// `TEAM, TOKEN (variables 1a2b3c4d5e6f)`: the client's variables, without their values.
fn described(variables: &VariablesReport) -> String {
    let names = match variables.names.as_slice() {
        [] => "clients without its variables".to_owned(),
        names => format!("clients' {}", names.join(", ")),
    };
    format!("{names} (variables {})", variables.fingerprint)
}

fn narrow(profile: &ProfileReport, now: Timestamp) -> [String; NARROW.len()] {
    [
        visible(&label(profile)),
        visible(&profile.source),
        visible(&profile.state.to_string()),
        cell(profile.fingerprint.as_ref()),
        cell(profile.expires_at.map(|at| output::relative(at, now))),
        cell(profile.seen_current_at.map(|at| output::relative(at, now))),
    ]
}

fn wide(profile: &ProfileReport) -> [String; WIDE.len()] {
    [
        visible(&label(profile)),
        visible(&profile.source),
        cell(profile.gateway.as_ref()),
        visible(&profile.state.to_string()),
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
    value.map_or_else(|| "-".to_owned(), |value| visible(&value.to_string()))
}

/// Cuts names that are so long that the rows would not fit [`WIDTH`]. What distinguishes a row from
/// others of its profile, the end `tags` of its name, stays.
fn shorten(rows: &mut [[String; NARROW.len()]], tags: &[String]) {
    for row in &mut *rows {
        for (cell, max) in row[2..].iter_mut().zip(MAX_CELLS) {
            cut(cell, max);
        }
    }
    let widths = widths(rows);
    let rest = widths[2..].iter().sum::<usize>() + GAP * (NARROW.len() - 1);
    let room = WIDTH - rest;
    let [mut profile, mut source] = [widths[0], widths[1]];
    while profile + source > room {
        if profile > source {
            profile -= 1;
        } else {
            source -= 1;
        }
    }
    for ([name, of, ..], tag) in rows.iter_mut().zip(tags) {
        if name.chars().count() > profile {
            let mut start = name.strip_suffix(tag).unwrap_or(name).to_owned();
            cut(&mut start, profile.saturating_sub(tag.chars().count()));
            *name = start + tag;
        }
        cut(of, source);
    }
}

/// Cuts `text` to `max` characters, the last of which is then an ellipsis.
fn cut(text: &mut String, max: usize) {
    if text.chars().count() > max {
        *text = text
            .chars()
            .take(max.saturating_sub(1))
            .chain(['…'])
            .collect();
    }
}

fn widths<const N: usize>(rows: &[[String; N]]) -> [usize; N] {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

/// Prints the rows, with the cell of each one's state in its colour.
fn align<const N: usize>(
    out: &mut impl Write,
    rows: &[[String; N]],
    states: &[Option<&ProfileState>],
    colour: Colour,
) -> io::Result<()> {
    let widths = widths(rows);
    for (row, state) in rows.iter().zip(states) {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let gap = width - cell.chars().count() + GAP;
            let text = match state {
                Some(state) if *cell == state.to_string() => colour.paint(cell, state),
                _ => cell.clone(),
            };
            line.push_str(&format!("{text}{:gap$}", ""));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn narrow() -> Width {
        Width::Narrow(time("2026-11-21T08:06:00Z"))
    }

    fn printed(profiles: &[ProfileReport], width: Width) -> String {
        let mut out = Vec::new();
        print(&mut out, profiles, width, Colour::Never).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn profiles() -> [ProfileReport; 2] {
        [
            ProfileReport {
                name: "default".to_owned(),
                source: "team-vault".to_owned(),
                gateway: Some("https://g.test".to_owned()),
                state: ProfileState::Ready,
                fingerprint: Some("ba7816bf8f01".to_owned()),
                version: Some(3),
                issued_at: Some(time("2026-11-21T08:00:00Z")),
                seen_current_at: Some(time("2026-11-21T08:05:30Z")),
                expires_at: Some(time("2026-11-21T09:00:00Z")),
                advice: vec!["set 'probe'".to_owned(), "wait".to_owned()],
                ..ProfileReport::default()
            },
            ProfileReport {
                name: "x".to_owned(),
                source: "s".to_owned(),
                state: ProfileState::Unreachable,
                last_error: Some("'v' refused the connection".to_owned()),
                advice: vec!["check the address".to_owned()],
                ..ProfileReport::default()
            },
        ]
    }

    #[test]
    fn columns_are_aligned_and_errors_with_their_remedy_below() {
        let expected = "\
PROFILE  SOURCE      STATE        KEY           EXPIRES    CHECKED
x        s           unreachable  -             -          -
default  team-vault  ready        ba7816bf8f01  in 54 min  30 s ago
x: 'v' refused the connection
  hint: check the address
default: set 'probe'
";
        assert_eq!(printed(&profiles(), narrow()), expected);
    }

    #[test]
    fn the_wide_table_has_all_columns_and_all_advice() {
        let expected = "\
PROFILE  SOURCE      GATEWAY         STATE        KEY           VERSION  ISSUED                SEEN CURRENT          EXPIRES               NEXT REFRESH
x        s           -               unreachable  -             -        -                     -                     -                     -
default  team-vault  https://g.test  ready        ba7816bf8f01  3        2026-11-21T08:00:00Z  2026-11-21T08:05:30Z  2026-11-21T09:00:00Z  -
x: 'v' refused the connection
  hint: check the address
default: set 'probe'
default: wait
";
        assert_eq!(printed(&profiles(), Width::Wide), expected);
    }

    fn of_team(name: &str, fingerprint: &str) -> ProfileReport {
        ProfileReport {
            name: name.to_owned(),
            source: "team-vault".to_owned(),
            last_error: Some("timed out".to_owned()),
            variables: Some(VariablesReport {
                names: vec!["TEAM".to_owned(), "TOKEN".to_owned()],
                fingerprint: fingerprint.to_owned(),
            }),
            ..ProfileReport::default()
        }
    }

    #[test]
    fn the_rows_of_one_profile_differ_in_their_variables() {
        let mut rows = [
            of_team("work", "1a2b3c4d5e6f"),
            of_team("work", "77aa3c4d5e6f"),
        ];
        rows[1].variables.as_mut().unwrap().names.clear();
        let expected = "\
PROFILE      SOURCE      STATE  KEY  EXPIRES  CHECKED
work [1a2b]  team-vault  empty  -    -        -
work [77aa]  team-vault  empty  -    -        -
work [1a2b]: for clients' TEAM, TOKEN (variables 1a2b3c4d5e6f)
work [1a2b]: timed out
work [77aa]: for clients without its variables (variables 77aa3c4d5e6f)
work [77aa]: timed out
";
        assert_eq!(printed(&rows, narrow()), expected);
        let wide = printed(&rows, Width::Wide);
        assert!(
            wide.contains("\nwork [1a2b]  ") && wide.contains("\nwork [77aa]  "),
            "{wide}"
        );

        let long = "w".repeat(60);
        let rows = [
            of_team(&long, "1a2b3c4d5e6f"),
            of_team(&long, "77aa3c4d5e6f"),
        ];
        let text = printed(&rows, narrow());
        assert!(
            text.contains("w… [1a2b]  ") && text.contains("w… [77aa]  "),
            "{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn the_narrow_table_fits_whatever_a_name_or_an_error_contains() {
        for (name, source) in [(60, 1), (1, 60), (60, 60), (12, 13)] {
            let profile = ProfileReport {
                name: "é".repeat(name),
                source: "s".repeat(source),
                state: ProfileState::Other("of-a-newer-daemon".to_owned()),
                fingerprint: Some("0".repeat(12)),
                expires_at: Some(time("9000-01-01T00:00:00Z")),
                seen_current_at: Some(time("2026-11-21T06:26:01Z")),
                last_error: Some(format!("an\u{1b}[2J error {}", "of many words ".repeat(20))),
                rejected_since: Some(time("2026-11-21T06:26:01Z")),
                advice: vec!["do this and that ".repeat(20)],
                ..ProfileReport::default()
            };
            let text = printed(&[profile], narrow());
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
            assert!(
                !text.contains('\u{1b}') && text.contains("99 min ago"),
                "{text}"
            );
        }
    }
}
