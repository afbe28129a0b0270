//! When a key expires, in the forms that programs print.
//!
//! - A date and time (RFC 3339).
//! - A number, or a string of digits: the seconds or milliseconds since 1970. Seconds up to the end
//!   of the year 9999; a larger number is milliseconds, of 1978 and later.
//! - `"never"`, and the first moment of the year 1, which Go prints for a time that is not set: no
//!   expiry.

use std::time::Duration;

use jiff::{SignedDuration, fmt::temporal::Pieces};

use super::value::FieldValue;
use crate::clock::Timestamp;

/// The first second of the year 10000; RFC 3339 has dates until then.
const YEAR_10000: f64 = 253_402_300_800.0;

/// The first second of the year 1.
const GO_ZERO: i64 = -62_135_596_800;

/// The time from `now` to the moment `value`; `None` without an expiry.
///
/// # Errors
///
/// The end of a sentence about the field: its form is unknown, or it is in the past.
pub(super) fn until(value: &FieldValue, now: Timestamp) -> Result<Option<Duration>, String> {
    let end = match value {
        FieldValue::Absent => return Ok(None),
        FieldValue::Number(number) => since_1970(*number)?,
        FieldValue::Text(text) => {
            let text = text.expose();
            if text.eq_ignore_ascii_case("never") {
                return Ok(None);
            }
            match number(text) {
                Some(number) => since_1970(number)?,
                None => date(text)?,
            }
        }
        other => return Err(format!("is {}; {EXPECTED_TIME}", other.kind())),
    };
    if end.as_second() == GO_ZERO {
        return Ok(None);
    }
    let left = Duration::try_from(end.duration_since(now)).unwrap_or(Duration::ZERO);
    if left.is_zero() {
        return Err(format!("is in the past ({end})"));
    }
    Ok(Some(left))
}

/// The time from `now` on that `value`, a number of seconds, stands for; `None` if there is none.
///
/// # Errors
///
/// The end of a sentence about the field: it is not a number, or not positive.
pub(super) fn within(value: &FieldValue, now: Timestamp) -> Result<Option<Duration>, String> {
    let seconds = match value {
        FieldValue::Absent => return Ok(None),
        FieldValue::Number(seconds) => Some(*seconds),
        FieldValue::Text(text) => number(text.expose()),
        FieldValue::Object(_) | FieldValue::Other(_) => None,
    };
    let seconds = seconds.ok_or("is not a number of seconds")?;
    let longest = Duration::try_from(Timestamp::MAX.duration_since(now)).unwrap_or(Duration::ZERO);
    let left = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    // A positive number may be less than a nanosecond.
    if seconds <= 0.0 || left.is_zero() {
        return Err("is not positive: the key has expired".to_owned());
    }
    Ok(Some(left.min(longest)))
}

const EXPECTED_TIME: &str =
    "expected an RFC 3339 date and time, or seconds or milliseconds since 1970";

/// Parses a decimal number; not `inf`, `nan` or an exponent.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_number = |c: char| c.is_ascii_digit() || "+-.".contains(c);
    text.chars().all(is_number).then(|| text.parse().ok())?
}

fn since_1970(number: f64) -> Result<Timestamp, String> {
    let seconds = match number {
        seconds if seconds < YEAR_10000 => seconds,
        milliseconds => milliseconds / 1000.0,
    };
    if seconds >= YEAR_10000 {
        return Err(format!("is later than the year 9999; {EXPECTED_TIME}"));
    }
    let since = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MIN);
    // Saturated: the type's own end is a day before that of the year.
    Ok(Timestamp::UNIX_EPOCH
        .saturating_add(since)
        .unwrap_or(Timestamp::MIN))
}

fn date(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    // `Timestamp` ends a day before the year 9999, in which programs express "never".
    match Pieces::parse(text) {
        Ok(pieces) if pieces.date().year() == 9999 && pieces.offset().is_some() => {
            Ok(Timestamp::MAX)
        }
        _ => Err(format!("is not a time with a time zone; {EXPECTED_TIME}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Secret;

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn text(text: &str) -> Result<Option<Duration>, String> {
        until(&FieldValue::Text(Secret::new(text.to_owned())), now())
    }

    fn number_of(number: f64) -> Result<Option<Duration>, String> {
        until(&FieldValue::Number(number), now())
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn an_hour_in_every_form() {
        for form in [
            "2026-01-01T01:00:00Z",
            "2026-01-01T02:00:00+01:00",
            "2026-01-01t01:00:00.000000000z",
            " 2026-01-01 01:00:00+00:00\n",
            "1767229200",
            "1767229200.0",
            "1767229200000",
        ] {
            assert_eq!(text(form), Ok(Some(HOUR)), "{form}");
        }
        assert_eq!(number_of(1_767_229_200.0), Ok(Some(HOUR)));
        assert_eq!(number_of(1_767_229_200_000.0), Ok(Some(HOUR)));
        assert_eq!(
            number_of(1_767_225_600.5),
            Ok(Some(Duration::from_millis(500)))
        );
    }

    #[test]
    fn the_end_of_time_is_far_away_and_its_beginning_is_no_expiry() {
        let far = Duration::from_secs(7_900 * 365 * 86_400);
        for form in [
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.999999999-12:00",
            "9999-12-30T22:00:00Z",
            "253402300799",
            "253402300799999",
        ] {
            assert!(text(form).unwrap().unwrap() > far, "{form}");
        }
        for form in [
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00+00:00",
            "never",
            "Never",
        ] {
            assert_eq!(text(form), Ok(None), "{form}");
        }
        for form in ["0000-01-01T00:00:00Z", "0001-01-01T00:00:01Z", "0", "-1"] {
            let error = text(form).unwrap_err();
            assert!(error.starts_with("is in the past ("), "{form}: {error}");
        }
        for number in [f64::MAX, 1.7e15, 9_223_372_036_854_775_807.0] {
            let error = number_of(number).unwrap_err();
            assert!(error.starts_with("is later than the year 9999;"), "{error}");
        }
        assert!(
            number_of(f64::MIN)
                .unwrap_err()
                .starts_with("is in the past")
        );
    }

    #[test]
    fn another_form_is_an_error() {
        for form in [
            "",
            "tomorrow",
            "inf",
            "nan",
            "1e400",
            "1.2.3",
            "--1",
            "2026-01-01T01:00:00",
            "9999-12-31T23:59:59",
            "2026-01-01",
        ] {
            let error = text(form).unwrap_err();
            assert!(
                error.contains("; expected an RFC 3339 date"),
                "{form}: {error}"
            );
        }
        let error = until(&FieldValue::Other("a list"), now()).unwrap_err();
        assert!(error.starts_with("is a list; expected"), "{error}");
    }

    #[test]
    fn a_number_of_seconds() {
        let text = |text: &str| within(&FieldValue::Text(Secret::new(text.to_owned())), now());
        let number = |number| within(&FieldValue::Number(number), now());
        assert_eq!(number(3600.0), Ok(Some(HOUR)));
        assert_eq!(text(" 3600 "), Ok(Some(HOUR)));
        assert_eq!(number(0.5), Ok(Some(Duration::from_millis(500))));
        for expired in [0.0, -1.0, f64::MIN] {
            assert!(number(expired).unwrap_err().contains("has expired"));
        }
        for wrong in ["", "1h", "1e3"] {
            assert_eq!(text(wrong).unwrap_err(), "is not a number of seconds");
        }
        let end = Duration::try_from(Timestamp::MAX.duration_since(now())).unwrap();
        assert_eq!(number(f64::MAX), Ok(Some(end)));
        assert_eq!(text("99999999999999999999"), Ok(Some(end)));
    }

    proptest! {
        #[test]
        fn nothing_panics(number: f64, shape in "[-+0-9TZ:. ]{0,40}|.{0,20}") {
            let _ = number_of(number);
            let _ = within(&FieldValue::Number(number), now());
            let _ = text(&shape);
        }
    }
}
