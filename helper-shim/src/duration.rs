//! Durations as the configuration has them: `90s`, `15m`, `1h30m`.

/// What a duration looks like, for messages.
pub(crate) const FORM: &str = "a duration such as '0s', '90s', '15m' or '1h30m', at most '365d'";

/// More than a year is a mistake in the unit.
const MAX_MS: u64 = 365 * 86_400_000;

/// The units in milliseconds. Each occurs at most once, in this order.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Parses a duration in milliseconds; `None` if it is not one, or longer than a year.
pub(crate) fn milliseconds(text: &str) -> Option<u64> {
    let mut units = UNITS.iter();
    let (mut rest, mut sum) = (text, 0_u64);
    if text.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| !c.is_ascii_digit());
        let (unit, after) = split(after, |c| c.is_ascii_digit());
        // Units before the one that is found cannot follow.
        let (_, unit_ms) = units.find(|(name, _)| *name == unit)?;
        let number: u64 = number.parse().ok()?;
        sum = sum.checked_add(number.checked_mul(*unit_ms)?)?;
        rest = after;
    }
    Some(sum).filter(|sum| *sum <= MAX_MS)
}

/// Splits `text` before the first character that `ends` the part before it.
fn split(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_forms_of_the_configuration_are_accepted() {
        for (text, expected) in [
            ("0s", 0),
            ("90s", 90_000),
            ("15m", 900_000),
            ("1h30m", 5_400_000),
            ("1d12h", 129_600_000),
            ("250ms", 250),
            ("1m1ms", 60_001),
            ("007s", 7_000),
            ("365d", MAX_MS),
        ] {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_is_rejected() {
        for text in [
            "",
            "s",
            "90",
            "0",
            "-1s",
            "+1s",
            "1.5h",
            "90 s",
            " 90s",
            "90s ",
            "30m1h",
            "1h1h",
            "1h30",
            "1M",
            "1S",
            "1y",
            "1sm",
            "PT1H",
            "off",
            "1,5s",
            "1e3s",
            "１s",
            "1ｓ",
            "366d",
            "365d1ms",
            "99999999999999999999s",
            "18446744073709551615h",
            "18446744073709551615ms",
        ] {
            assert_eq!(milliseconds(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_parts_are_added(days in 0..300_u64, hours in 0..99_u64, seconds in 0..9999_u64) {
            let expected = days * 86_400_000 + hours * 3_600_000 + seconds * 1_000;
            let text = format!("{days}d{hours}h{seconds}s");
            prop_assert_eq!(milliseconds(&text), Some(expected));
        }

        #[test]
        fn no_text_panics(text in "[0-9dhms]{0,24}|.{0,16}") {
            let _ = milliseconds(&text);
        }
    }
}
