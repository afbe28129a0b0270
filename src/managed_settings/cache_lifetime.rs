//! How long a client may use a key before it runs the shim again.

use std::time::Duration;

use crate::{
    broker::renewal,
    config::{ProfileConfig, SourceConfig, Ttl},
};

/// The cache lifetime to distribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CacheLifetime {
    /// The time.
    pub(super) time: Duration,
    /// The lifetime of the keys, if they expire too soon for any cache lifetime.
    too_short: Option<Duration>,
}

impl CacheLifetime {
    /// Whether the keys of `profile` expire too soon.
    pub(super) fn warning(&self, profile: &str) -> Option<String> {
        let lifetime = self.too_short?.as_secs();
        Some(format!(
            "the keys of profile '{profile}' are valid for {lifetime} s, which is less than a request \
             may take: let its source issue longer ones"
        ))
    }
}

/// Returns the cache lifetime for a client whose own default is `usual`: that, or less if the
/// profile's keys do not live long enough for it.
///
/// A key always outlives the client's cache by the margin of [`renewal::min_remaining`]: the
/// broker serves none with less time left, and here its whole lifetime is shared out so that the
/// source need not issue one for every request ([`renewal::longest_cache_lifetime`]). A longer
/// cache than the client's default would only delay what a rotation changes.
///
/// The lifetime is the one in the source's table (`ttl`). Without one, a key may have no end, and
/// is served for `max_age`. A shorter one that only the server decides is known when the key is
/// there, and then `claviger status` reports if the client's cache is too long.
pub(super) fn cache_lifetime(
    profile: &ProfileConfig,
    source: Option<&SourceConfig>,
    usual: Duration,
) -> CacheLifetime {
    let known = source.and_then(ttl);
    let lifetime = known.unwrap_or_else(|| profile.max_age());
    match renewal::longest_cache_lifetime(lifetime) {
        Some(longest) => CacheLifetime {
            time: usual.min(longest),
            too_short: None,
        },
        None => CacheLifetime {
            time: usual.min(lifetime / SHORT_DIVISOR),
            too_short: Some(lifetime),
        },
    }
}

/// The part of its lifetime that a key is cached for which lives shorter than a long request takes.
const SHORT_DIVISOR: u32 = 4;

fn ttl(source: &SourceConfig) -> Option<Duration> {
    match source {
        SourceConfig::Jwt(jwt) => Some(jwt.ttl),
        SourceConfig::Exec(exec) => exec.ttl.map(Ttl::get),
        SourceConfig::Oauth(oauth) => oauth.ttl,
        SourceConfig::Vault(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    const CLAUDE_CODE: Duration = Duration::from_secs(300);
    const DESKTOP: Duration = Duration::from_secs(3600);

    fn of(profile: &str, source: &str, usual: Duration) -> CacheLifetime {
        let text =
            format!("version = 1\n[profile.p]\nsource = 's'\n{profile}\n[source.s]\n{source}\n");
        let config = parse(Path::new("/c.toml"), &text).unwrap();
        cache_lifetime(&config.profiles["p"], config.sources.get("s"), usual)
    }

    fn exec(ttl: &str) -> String {
        format!("type = 'exec'\ncommand = ['/bin/key']\n{ttl}")
    }

    fn jwt(ttl: &str) -> String {
        format!("type = 'jwt'\nalgorithm = 'HS256'\nkey_file = '/k'\n{ttl}")
    }

    #[test]
    fn a_long_lived_key_is_cached_as_long_as_the_client_does_by_itself() {
        let vault = "type = 'vault'\naddress = 'https://v.example'\npath = 'secret/x'\nfield = 'k'";
        for source in [vault, &exec(""), &exec("ttl = '1d'"), &jwt("")] {
            assert_eq!(of("", source, CLAUDE_CODE).time, CLAUDE_CODE, "{source}");
        }
        assert_eq!(of("", vault, DESKTOP).time, DESKTOP);
    }

    #[test]
    fn a_key_outlives_the_cache_by_the_brokers_margin() {
        for ttl in [90, 120, 300, 600, 1800, 3600, 7200] {
            for usual in [CLAUDE_CODE, DESKTOP] {
                for source in [
                    exec(&format!("ttl = '{ttl}s'")),
                    jwt(&format!("ttl = '{ttl}s'")),
                ] {
                    let cached = of("", &source, usual);
                    assert_eq!(cached.too_short, None, "{ttl}");
                    let needed = renewal::min_remaining(cached.time);
                    assert!(needed < Duration::from_secs(ttl), "{ttl} {usual:?}");
                    assert!(cached.time <= usual && !cached.time.is_zero());
                }
            }
        }
    }

    #[test]
    fn keys_that_expire_within_a_request_are_reported() {
        let cached = of("", &exec("ttl = '40s'"), CLAUDE_CODE);
        assert_eq!(cached.time, Duration::from_secs(10));
        assert_eq!(cached.too_short, Some(Duration::from_secs(40)));
    }

    #[test]
    fn max_age_bounds_a_key_without_an_expiry() {
        let cached = of("max_age = '5m'", &exec(""), CLAUDE_CODE);
        assert_eq!(cached.time, Duration::from_secs(90));
        // An expiry counts in its place.
        let cached = of("max_age = '5m'", &exec("ttl = '1d'"), CLAUDE_CODE);
        assert_eq!(cached.time, CLAUDE_CODE);
    }
}
