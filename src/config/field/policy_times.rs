//! How often a central policy is looked for, and how long one counts.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use super::{
    duration::{DURATION, format, parse},
    text_format::TextFormat,
};

/// How often a daemon in use looks for a newer policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PolicyWatch(Duration);

/// How long a policy counts after it was last seen to be the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PolicyMaxAge(Duration);

impl PolicyWatch {
    /// At most each ten seconds, twice the time that one look may take; at least once a day.
    const RANGE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(86_400);

    /// The duration.
    #[must_use]
    pub(crate) fn get(self) -> Duration {
        self.0
    }
}

impl PolicyMaxAge {
    /// At least an hour: a shorter outage of a web server must stop no developer. At most a year.
    const RANGE: RangeInclusive<Duration> =
        Duration::from_secs(3600)..=Duration::from_secs(365 * 86_400);

    /// The duration.
    #[must_use]
    pub(crate) fn get(self) -> Duration {
        self.0
    }
}

impl Default for PolicyWatch {
    /// 10,000 machines are 170 requests a second then, each answered from a cache.
    fn default() -> Self {
        Self(Duration::from_secs(60))
    }
}

impl Default for PolicyMaxAge {
    /// A laptop that was off during a week of holidays works at once.
    fn default() -> Self {
        Self(Duration::from_secs(7 * 86_400))
    }
}

impl FromStr for PolicyWatch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &Self::RANGE).map(Self)
    }
}

impl FromStr for PolicyMaxAge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &Self::RANGE).map(Self)
    }
}

impl fmt::Display for PolicyWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format(self.0))
    }
}

impl fmt::Display for PolicyMaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format(self.0))
    }
}

impl TextFormat for PolicyWatch {
    const PATTERN: &'static str = DURATION;
    const EXAMPLE: &'static str = "1m";
}

impl TextFormat for PolicyMaxAge {
    const PATTERN: &'static str = DURATION;
    const EXAMPLE: &'static str = "7d";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_written_as_they_are_read() {
        assert_eq!(PolicyWatch::default().to_string(), PolicyWatch::EXAMPLE);
        assert_eq!(PolicyMaxAge::default().to_string(), PolicyMaxAge::EXAMPLE);
        assert_eq!("90s".parse::<PolicyWatch>().unwrap().to_string(), "1m30s");
        assert!("off".parse::<PolicyWatch>().is_err());
        assert!("9s".parse::<PolicyWatch>().is_err());
        assert!("59m".parse::<PolicyMaxAge>().is_err());
    }
}
