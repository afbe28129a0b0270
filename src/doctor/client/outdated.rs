//! A Claude Code that is too old.

use super::{facts::Facts, version::READS_EXPIRY};
use crate::doctor::{
    check::Check,
    finding::{Finding, Severity},
};

/// An old client hides errors.
pub(super) const OLD: Check = super::check_of(
    Severity::Warning,
    "client.version-old",
    "a Claude Code that goes on for minutes without a message if its helper fails",
);

/// Checks the version, if it is known.
pub(super) fn check(facts: &Facts<'_>) -> Option<Finding> {
    let (version, file) = facts.version.as_ref()?;
    (*version < READS_EXPIRY && facts.helper().is_some()).then(|| {
        OLD.found(
            format!("Claude Code {version} shows no error of its helper, and retries for minutes"),
            [format!("{}: version {version}", file.display())],
            format!("update Claude Code to {READS_EXPIRY} or later"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fixture::Fixture, version::Version},
        *,
    };
    use crate::claude_code::settings::Scope;

    #[test]
    fn an_old_client_with_a_helper_is_found() {
        let helper = r#"{"apiKeyHelper": "exec /bin/claviger-helper"}"#;
        for (version, text, is_found) in [
            (Version(2, 1, 197), helper, true),
            (Version(1, 9, 999), helper, true),
            (READS_EXPIRY, helper, false),
            (Version(3, 0, 0), helper, false),
            (Version(2, 1, 197), "{}", false),
        ] {
            let mut facts = Fixture::facts(&[(Scope::User, text)]);
            facts.version = Some((version, "/usr/bin/claude".into()));
            assert_eq!(check(&facts).is_some(), is_found, "{version} {text}");
        }
    }
}
