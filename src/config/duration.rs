//! Durations as the configuration writes them: `"90s"`, `"15m"`, `"1h30m"`.

use std::{ops::RangeInclusive, time::Duration};

/// The units, the largest first, each with its length in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// What a duration looks like, for messages.
const FORM: &str = "a duration such as '90s', '15m' or '1h30m'";

/// Parses a duration and checks that it is in `range`.
///
/// The form is one or more whole numbers, each with one of the units `d`, `h`, `m`, `s`, `ms`, the larger before the
/// smaller and none twice, with nothing between them.
///
/// # Errors
///
/// What is wrong, as the end of a sentence that starts with the key.
pub(super) fn parse(text: &str, range: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let duration = parse_any(text).ok_or_else(|| format!("is not {FORM}"))?;
    if range.contains(&duration) {
        Ok(duration)
    } else {
        Err(format!(
            "is {}; it takes {} to {}",
            format(duration),
            format(*range.start()),
            format(*range.end())
        ))
    }
}

/// Parses a duration, or `"off"` as `None`.
///
/// # Errors
///
/// As [`parse`].
pub(super) fn parse_or_off(
    text: &str,
    range: &RangeInclusive<Duration>,
) -> Result<Option<Duration>, String> {
    if text == "off" {
        return Ok(None);
    }
    if parse_any(text).is_none() {
        return Err(format!("is neither 'off' nor {FORM}"));
    }
    parse(text, range).map(Some)
}

/// Writes a duration the way it is parsed; what is less than a millisecond is left out.
fn format(duration: Duration) -> String {
    let mut left = duration.as_millis();
    let mut text = String::new();
    for (unit, length) in UNITS {
        let count = left / u128::from(length);
        left %= u128::from(length);
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() {
        "0s".clone_into(&mut text);
    }
    text
}

fn parse_any(text: &str) -> Option<Duration> {
    let mut total: u64 = 0;
    let mut rest = text;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let end = after.find(|c: char| c.is_ascii_digit());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        // What the iterator has passed is used up: no unit comes twice, nor a larger one after a smaller.
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        let part = digits.parse::<u64>().ok()?.checked_mul(*length)?;
        total = total.checked_add(part)?;
        rest = after;
    }
    (!text.is_empty()).then(|| Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANY: RangeInclusive<Duration> = Duration::ZERO..=Duration::MAX;

    #[test]
    fn the_documented_forms() {
        for (text, millis) in [
            ("90s", 90_000),
            ("15m", 900_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
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
    fn everything_else_is_refused() {
        for text in [
            "",
            "s",
            "90",
            "90 s",
            " 90s",
            "90s ",
            "1.5h",
            "-1s",
            "+1s",
            "30m1h",
            "1h1h",
            "1w",
            "1H",
            "1h30",
            "off",
            "99999999999999999999s",
            "18446744073709551615h",
            "１s",
        ] {
            assert_eq!(
                parse(text, &ANY).unwrap_err(),
                "is not a duration such as '90s', '15m' or '1h30m'",
                "{text}"
            );
        }
    }

    #[test]
    fn the_range_is_named() {
        let range = Duration::from_millis(100)..=Duration::from_secs(60);
        assert_eq!(parse("60s", &range), Ok(Duration::from_secs(60)));
        assert_eq!(
            parse("61s", &range).unwrap_err(),
            "is 1m1s; it takes 100ms to 1m"
        );
        assert_eq!(
            parse("0s", &range).unwrap_err(),
            "is 0s; it takes 100ms to 1m"
        );
    }

    #[test]
    fn off_is_none_where_it_may_be() {
        assert_eq!(parse_or_off("off", &ANY), Ok(None));
        assert_eq!(parse_or_off("1s", &ANY), Ok(Some(Duration::from_secs(1))));
        assert_eq!(
            parse_or_off("never", &ANY).unwrap_err(),
            "is neither 'off' nor a duration such as '90s', '15m' or '1h30m'"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(millis in 0..u64::MAX) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&format(duration), &ANY), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in "[0-9dhms]{0,24}|.{0,16}") {
            let _ = parse_or_off(&text, &ANY);
        }
    }
}
