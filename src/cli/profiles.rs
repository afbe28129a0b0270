//! How what the daemon reports is shown to a person.

use std::io::{self, Write};

use serde_json::Value;

/// A table of what a person looks for first, and what went wrong below it.
pub(super) fn print(out: &mut impl Write, profiles: &[Value]) -> io::Result<()> {
    let mut rows = vec![
        [
            "PROFILE",
            "SOURCE",
            "STATE",
            "KEY",
            "VERSION",
            "ISSUED",
            "SEEN CURRENT",
            "EXPIRES",
            "NEXT REFRESH",
        ]
        .map(str::to_owned),
    ];
    for profile in profiles {
        rows.push([
            text(profile, "name"),
            text(profile, "source"),
            text(profile, "state"),
            text(profile, "fingerprint"),
            text(profile, "version"),
            time(profile, "issued_at"),
            time(profile, "seen_current_at"),
            time(profile, "expires_at"),
            time(profile, "next_refresh_at"),
        ]);
    }
    let mut widths = [0; 9];
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
        if let Some(error) = profile["last_error"].as_str() {
            writeln!(out, "{}: {error}", text(profile, "name"))?;
        }
        if let Some(since) = profile["rejected_since"].as_str() {
            writeln!(
                out,
                "{}: the gateway has rejected the key since {since}",
                text(profile, "name")
            )?;
        }
        for advice in profile["advice"].as_array().into_iter().flatten() {
            writeln!(
                out,
                "{}: {}",
                text(profile, "name"),
                advice.as_str().unwrap_or_default()
            )?;
        }
    }
    Ok(())
}

/// A cell; a dash where there is nothing.
fn text(profile: &Value, name: &str) -> String {
    match &profile[name] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => "-".to_owned(),
    }
}

/// To the second: the rest is noise.
fn time(profile: &Value, name: &str) -> String {
    let text = text(profile, name);
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_up_the_columns_and_puts_errors_below() {
        let profiles = [
            json!({"name": "default", "source": "team-vault", "state": "ready", "fingerprint": "ba7816bf8f01",
                "version": 3, "issued_at": "2026-11-21T08:00:00.123Z", "seen_current_at": "2026-11-21T08:05:30.5Z", "expires_at": null,
                "next_refresh_at": null, "last_error": null}),
            json!({"name": "x", "source": "s", "state": "unreachable", "last_error": "'v' refused the connection"}),
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
