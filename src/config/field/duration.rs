//! Durations as the file has them: `"90s"`, `"15m"`, `"1h30m"`, `"1d"`.

use std::{ops::RangeInclusive, str::FromStr, time::Duration};

use jiff::{
    SignedDuration, Span, SpanRelativeTo, SpanRound, Unit,
    fmt::friendly::{Spacing, SpanPrinter},
};

use super::text_format::TextFormat;

/// What a duration looks like, for messages.
const FORM: &str = "a duration such as '90s', '15m', '1h30m' or '1d'";

/// Matches every duration: an amount and a unit at least, or an ISO 8601 duration.
pub(super) const DURATION: &str =
    r"^\+?(?:[Pp][0-9A-Za-z.,+]+|[0-9][0-9.,\s]*[A-Za-zµμ:][0-9A-Za-zµμ.,:\s]*)$";

/// The same, or `"off"`.
const DURATION_OR_OFF: &str =
    r"^(?:off|\+?(?:[Pp][0-9A-Za-z.,+]+|[0-9][0-9.,\s]*[A-Za-zµμ:][0-9A-Za-zµμ.,:\s]*))$";

/// How long one request or program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeout(Duration);

/// How long a key is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ttl(Duration);

/// How far a gateway's clock may be behind this machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leeway(Duration);

/// How often a source is checked for a new version; `"off"` is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WatchInterval(Option<Duration>);

/// How long a key without an expiry is served after it was last seen to be current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaxAge(Duration);

/// How long the daemon, or a key in it, may be idle; `"off"`, the default, is without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdleTimeout(Option<Duration>);

impl Timeout {
    /// Less than 100 ms is less than a TLS handshake across a continent; after a minute every
    /// client has given up (the shim's own deadline is 8 s).
    const RANGE: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);

    /// The duration.
    #[must_use]
    pub(crate) fn get(self) -> Duration {
        self.0
    }
}

impl Default for Timeout {
    /// Leaves enough of the shim's deadline of 8 s for everything else.
    fn default() -> Self {
        Self(Duration::from_secs(5))
    }
}

impl FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &Self::RANGE).map(Self)
    }
}

impl Ttl {
    /// JWTs count in seconds (RFC 7519, NumericDate); more than a year is a mistake in the unit, or
    /// a key that is not worth renewing.
    const RANGE: RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_secs(366 * 86_400);

    /// The duration.
    #[must_use]
    pub(crate) fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Ttl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &Self::RANGE).map(Self)
    }
}

impl Leeway {
    /// A clock that is off by more is a defect that TLS does not survive either.
    const RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(600);

    /// The duration.
    #[must_use]
    pub(crate) fn get(self) -> Duration {
        self.0
    }
}

impl Default for Leeway {
    /// More than clocks differ that are set by NTP, even at a large interval.
    fn default() -> Self {
        Self(Duration::from_secs(30))
    }
}

impl FromStr for Leeway {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &Self::RANGE).map(Self)
    }
}

impl MaxAge {
    /// At most a year, beyond which it would mean nothing.
    const RANGE: RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_secs(365 * 86_400);

    /// The duration.
    #[must_use]
    pub(crate) fn get(self) -> Duration {
        self.0
    }
}

impl Default for MaxAge {
    /// Longer than an outage of a working day, and shorter than a revoked key may be used.
    fn default() -> Self {
        Self(Duration::from_secs(12 * 3600))
    }
}

impl FromStr for MaxAge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &Self::RANGE).map(Self)
    }
}

impl WatchInterval {
    /// At most once a second, because a fleet would turn more into a load test of Vault; at least
    /// once a day.
    const RANGE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

    /// Between two checks; `None` if it is off.
    #[must_use]
    pub(crate) fn get(self) -> Option<Duration> {
        self.0
    }
}

impl Default for WatchInterval {
    /// A rotated key is noticed within this even if the gateway has not rejected it.
    fn default() -> Self {
        Self(Some(Duration::from_secs(30)))
    }
}

impl FromStr for WatchInterval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_or_off(text, &Self::RANGE).map(Self)
    }
}

impl IdleTimeout {
    /// At least a second, so that one session does not start the daemon, or obtain the key, again
    /// for each request; at most a year, beyond which it is `"off"`.
    const RANGE: RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_secs(365 * 86_400);

    /// The duration; `None` if it is off.
    #[must_use]
    pub(crate) fn get(self) -> Option<Duration> {
        self.0
    }
}

impl FromStr for IdleTimeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_or_off(text, &Self::RANGE).map(Self)
    }
}

impl TextFormat for Timeout {
    const PATTERN: &'static str = DURATION;
    const EXAMPLE: &'static str = "5s";
}

impl TextFormat for Ttl {
    const PATTERN: &'static str = DURATION;
    const EXAMPLE: &'static str = "1h";
}

impl TextFormat for Leeway {
    const PATTERN: &'static str = DURATION;
    const EXAMPLE: &'static str = "30s";
}

impl TextFormat for WatchInterval {
    const PATTERN: &'static str = DURATION_OR_OFF;
    const EXAMPLE: &'static str = "30s";
}

impl TextFormat for MaxAge {
    const PATTERN: &'static str = DURATION;
    const EXAMPLE: &'static str = "12h";
}

impl TextFormat for IdleTimeout {
    const PATTERN: &'static str = DURATION_OR_OFF;
    const EXAMPLE: &'static str = "30m";
}

/// Parses a duration and checks that it is in `range`.
///
/// The forms are those of [`jiff::fmt::friendly`] and of ISO 8601: `1h30m`, `1 hour 30 min`,
/// `PT1H30M`. A day has 24 hours and a week 7 days; months and years have no fixed length and are
/// errors.
///
/// # Errors
///
/// A message about the key.
pub(super) fn parse(text: &str, range: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let duration = parse_any(text).ok_or_else(|| format!("expected {FORM}"))?;
    in_range(duration, range)
}

/// Parses a duration, or `"off"` as `None`.
///
/// # Errors
///
/// As [`parse`].
fn parse_or_off(text: &str, range: &RangeInclusive<Duration>) -> Result<Option<Duration>, String> {
    if text == "off" {
        return Ok(None);
    }
    let duration = parse_any(text).ok_or_else(|| format!("expected 'off' or {FORM}"))?;
    in_range(duration, range).map(Some)
}

fn in_range(duration: Duration, range: &RangeInclusive<Duration>) -> Result<Duration, String> {
    if range.contains(&duration) {
        return Ok(duration);
    }
    let (min, max) = (format(*range.start()), format(*range.end()));
    Err(format!("expected {min} to {max}, got {}", format(duration)))
}

fn parse_any(text: &str) -> Option<Duration> {
    // A negative duration is one even if it is zero: "-0s", "0s ago".
    if text.contains('-') || text.ends_with("ago") {
        return None;
    }
    let span: Span = text.parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}

/// Writes a duration as the configuration does: `1d2h`.
pub(super) fn format(duration: Duration) -> String {
    let days = SpanRound::new().largest(Unit::Day).days_are_24_hours();
    let span = SignedDuration::try_from(duration)
        .and_then(Span::try_from)
        .and_then(|span| span.round(days));
    match span {
        Ok(span) => SpanPrinter::new()
            .spacing(Spacing::None)
            .span_to_string(&span),
        Err(_) => format!("{}s", duration.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANY: RangeInclusive<Duration> = Duration::ZERO..=Duration::MAX;

    #[test]
    fn the_documented_forms_are_accepted() {
        for (text, millis) in [
            ("90s", 90_000),
            ("15m", 900_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("1d12h", 129_600_000),
            ("250ms", 250),
            ("1m1ms", 60_001),
            ("0s", 0),
        ] {
            assert_eq!(
                parse(text, &ANY),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
    }

    #[test]
    fn other_unambiguous_forms_are_accepted() {
        for (text, secs) in [
            ("90 s", 90),
            ("1 hour 30 min", 5400),
            ("1.5h", 5400),
            ("PT1H", 3600),
            ("P1D", 86_400),
            ("1w", 604_800),
        ] {
            assert_eq!(parse(text, &ANY), Ok(Duration::from_secs(secs)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_an_error() {
        for text in [
            "",
            "s",
            "90",
            "-1s",
            "-0s",
            "0s ago",
            "1h ago",
            "30m1h",
            "1h1h",
            "1h30",
            "1M",
            "1mo",
            "1y",
            "P1M",
            "1.5.5h",
            "1,,5s",
            "1e3s",
            "off",
            "99999999999999999999s",
            "18446744073709551615h",
            "１s",
        ] {
            assert_eq!(
                parse(text, &ANY).unwrap_err(),
                "expected a duration such as '90s', '15m', '1h30m' or '1d'",
                "{text}"
            );
        }
    }

    #[test]
    fn the_range_is_named() {
        let range = Duration::from_millis(100)..=Duration::from_secs(366 * 86_400);
        assert_eq!(parse("60s", &range), Ok(Duration::from_secs(60)));
        assert_eq!(
            parse("367d1m1s", &range).unwrap_err(),
            "expected 100ms to 366d, got 367d1m1s"
        );
        assert_eq!(
            parse("0s", &range).unwrap_err(),
            "expected 100ms to 366d, got 0s"
        );
    }

    #[test]
    fn off_is_none() {
        assert_eq!(parse_or_off("off", &ANY), Ok(None));
        assert_eq!(parse_or_off("1s", &ANY), Ok(Some(Duration::from_secs(1))));
        assert_eq!(
            parse_or_off("never", &ANY).unwrap_err(),
            "expected 'off' or a duration such as '90s', '15m', '1h30m' or '1d'"
        );
    }

    proptest! {
        /// Up to the 7,304,484 days that a span can hold.
        #[test]
        fn what_is_written_is_read(millis in 0..7_304_484 * 86_400_000_u64) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&format(duration), &ANY), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in "[0-9dhms]{0,24}|.{0,16}") {
            let _ = parse_or_off(&text, &ANY);
        }
    }
}
