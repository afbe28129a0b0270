//! Which profiles keep their credential when the configuration changes.

use std::collections::BTreeSet;

use crate::config::{Config, ProfileConfig};

/// The profiles that are the same in both configurations, as are all the sources on the way to
/// their credential.
pub(super) fn unchanged(before: &Config, after: &Config) -> BTreeSet<String> {
    let is_unchanged = |(name, profile): &(&String, &ProfileConfig)| {
        before.profiles.get(*name) == Some(*profile)
            && before
                .chain(&profile.source)
                .eq(after.chain(&profile.source))
    };
    after
        .profiles
        .iter()
        .filter(is_unchanged)
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    /// `vault` gets its login's JWT from `signed`, and `other` depends on nothing.
    const BEFORE: &str = r#"
version = 1
[profile.chained]
source = "vault"
gateway = "https://gateway.test"
[profile.plain]
source = "other"
[source.vault]
type = "vault"
address = "https://vault.test:8200"
path = "secret/key"
field = "key"
auth = { method = "jwt", jwt_source = "signed" }
[source.signed]
type = "jwt"
algorithm = "HS256"
key_env = "KEY"
ttl = "1h"
[source.other]
type = "jwt"
algorithm = "HS256"
key_env = "OTHER_KEY"
"#;

    /// The profiles that stay when `from` is replaced by `to` in [`BEFORE`].
    #[track_caller]
    fn stay(from: &str, to: &str) -> Vec<String> {
        assert!(BEFORE.contains(from), "{from:?} is in the configuration");
        let parse = |text: &str| config::parse(Path::new("/c.toml"), text).unwrap();
        let (before, after) = (parse(BEFORE), parse(&BEFORE.replace(from, to)));
        unchanged(&before, &after).into_iter().collect()
    }

    #[test]
    fn all_profiles_stay_if_nothing_on_their_way_changes() {
        assert_eq!(stay("\n", "\n"), ["chained", "plain"]);
        let with_daemon = "[daemon]\nexit_when_idle = \"1h\"\n[profile.plain]";
        assert_eq!(stay("[profile.plain]", with_daemon), ["chained", "plain"]);
    }

    #[test]
    fn a_changed_profile_goes() {
        assert_eq!(stay("gateway.test", "other.test"), ["plain"]);
    }

    #[test]
    fn the_profiles_of_a_changed_source_go() {
        assert_eq!(stay("OTHER_KEY", "ANOTHER_KEY"), ["chained"]);
    }

    #[test]
    fn the_profiles_of_a_changed_upstream_source_go() {
        assert_eq!(stay("ttl = \"1h\"", "ttl = \"2h\""), ["plain"]);
    }

    #[test]
    fn a_renamed_profile_is_a_new_one() {
        assert_eq!(stay("profile.plain", "profile.renamed"), ["chained"]);
    }
}
