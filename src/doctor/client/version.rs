//! The version of Claude Code.

use std::fmt;

/// The first version in which a failing helper ends the turn with its message, and in which the
/// client reads the claim `exp` of a JWT. Between 2.1.197, which does neither, and this one none
/// was measured.
pub(super) const READS_EXPIRY: Version = Version(2, 1, 329);

/// A version of Claude Code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32, pub(super) u32);

impl Version {
    /// Parses `2.1.329`; what follows a hyphen is ignored.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (numbers, _) = text.split_once('-').unwrap_or((text, ""));
        let mut numbers = numbers.split('.').map(str::parse);
        let mut next = || numbers.next()?.ok();
        let version = Self(next()?, next()?, next()?);
        numbers.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_parsed_and_compared() {
        for (text, expected) in [
            ("2.1.329", Some(Version(2, 1, 329))),
            ("2.1.329-beta.1", Some(Version(2, 1, 329))),
            ("2.1", None),
            ("2.1.3.4", None),
            ("claude", None),
            ("", None),
        ] {
            assert_eq!(Version::parse(text), expected, "{text}");
        }
    }
}
