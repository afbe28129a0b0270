//! A moment: a date and a time with its offset from UTC.

use std::{fmt, str::FromStr};

use super::text_format::TextFormat;
use crate::clock::Timestamp;

/// A moment. TOML's own dates are accepted if they have an offset; a local time is not, because it
/// would be another moment on each machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DateTime(Timestamp);

impl DateTime {
    /// The moment.
    #[must_use]
    pub(crate) fn get(self) -> Timestamp {
        self.0
    }
}

impl FromStr for DateTime {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // An RFC 9557 annotation such as '[Europe/Berlin]' needs the time zones of this machine.
        let timestamp = match text.contains('[') {
            true => None,
            false => text.parse().ok(),
        };
        timestamp
            .map(Self)
            .ok_or("expected a date and a time with its offset, such as 2026-11-30T20:00:00Z")
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TextFormat for DateTime {
    const PATTERN: &'static str =
        r"^[+-]?[0-9]+-?[0-9]+-?[0-9]+[Tt\s][0-9:.,]+\s*(?:[Zz]|[+-][0-9:.,]+)$";
    const EXAMPLE: &'static str = "2026-11-30T20:00:00Z";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_an_offset() {
        for text in [
            "2026-11-30T20:00:00Z",
            "2026-11-30 21:00:00+01:00",
            "2026-11-30T20:00:00.5Z",
        ] {
            assert!(text.parse::<DateTime>().is_ok(), "{text}");
        }
        let berlin: DateTime = "2026-11-30T21:00:00+01:00".parse().unwrap();
        assert_eq!(berlin.to_string(), "2026-11-30T20:00:00Z");
        for text in [
            "",
            "2026-11-30",
            "20:00:00",
            "2026-11-30T20:00:00",
            "2026-02-30T20:00:00Z",
            "2026-11-30T20:00:00+01:00[Europe/Berlin]",
            "now",
        ] {
            assert!(text.parse::<DateTime>().is_err(), "{text}");
        }
    }
}
