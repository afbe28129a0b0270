//! A version of this program.

use std::{fmt, str::FromStr};

use semver::Version;

use super::text_format::TextFormat;

/// A version of this program. They are in the order of Semantic Versioning 2.0.0: `0.2.0-rc.1` is
/// before `0.2.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProgramVersion(Version);

impl ProgramVersion {
    /// The version of this program.
    #[must_use]
    pub(crate) fn current() -> Self {
        // Cargo has parsed it with the same library.
        let version = env!("CARGO_PKG_VERSION").parse();
        Self(version.unwrap_or_else(|_| Version::new(0, 0, 0)))
    }
}

impl FromStr for ProgramVersion {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let version = text.parse().map(Self);
        version.map_err(|_| "expected a version such as '0.2.0'")
    }
}

impl fmt::Display for ProgramVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TextFormat for ProgramVersion {
    const PATTERN: &'static str =
        r"^[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$";
    const EXAMPLE: &'static str = "0.2.0";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pre_release_is_before_its_release() {
        let version = |text: &str| text.parse::<ProgramVersion>().unwrap();
        let sorted = ["0.1.0", "0.2.0-rc.1", "0.2.0", "0.10.0", "1.0.0"].map(version);
        assert!(sorted.is_sorted());
        assert_eq!(
            ProgramVersion::current().to_string(),
            env!("CARGO_PKG_VERSION")
        );
        for text in ["", "1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0"] {
            assert!(text.parse::<ProgramVersion>().is_err(), "{text}");
        }
    }
}
