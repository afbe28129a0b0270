//! How long Claude Code uses a key, compared with how long the key is valid.

use std::time::Duration;

use super::{command::Command, facts::Facts, version::READS_EXPIRY};
use crate::{
    claude_code::variables::{BASE_URL, CACHE_LIFETIME},
    config::{BaseUrl, Config, SourceConfig, Ttl},
    doctor::{
        check::Check,
        finding::{Finding, Severity},
        key_life::KeyLife,
    },
};

/// The client ignores the value.
pub(super) const INVALID: Check = super::check_of(
    Severity::Warning,
    "client.cache-lifetime-invalid",
    "a cache lifetime that is not a number of milliseconds",
);

/// The helper runs all the time.
pub(super) const ZERO: Check = super::check_of(
    Severity::Warning,
    "client.cache-lifetime-zero",
    "a cache lifetime of 0, with which the helper runs at every request",
);

/// The client uses keys that have expired.
pub(super) const TOO_LONG: Check = super::check_of(
    Severity::Warning,
    "client.cache-lifetime-too-long",
    "a cache lifetime that is as long as the key is valid",
);

/// The client's cache lifetime without the variable.
const DEFAULT: Duration = Duration::from_secs(300);

/// How much longer than the cache lifetime a key must be valid: the client sends the old key while
/// the helper runs, and the daemon serves a key a minute longer than that.
const MARGIN: Duration = Duration::from_secs(60);

/// Checks the cache lifetime if Claude Code runs the shim.
pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let Some((helper, command)) = facts.helper() else {
        return Vec::new();
    };
    if !facts.runs_shim(&command) {
        return Vec::new();
    }
    let variable = facts.variable(CACHE_LIFETIME);
    let place = variable.as_ref().map(|variable| variable.place.clone());
    let scope = variable
        .as_ref()
        .map_or(Some(helper.scope), |variable| variable.scope);
    let text = variable
        .as_ref()
        .map(|variable| variable.value.expose().trim());
    let set = text.map(str::parse);
    let found = |check: Check, finding: String, fix: &str| {
        let evidence = place
            .clone()
            .unwrap_or_else(|| format!("{CACHE_LIFETIME} is not set"));
        check.found(finding, [evidence], facts.remedy(scope, fix))
    };
    let lifetime = match set {
        Some(Ok(0)) => {
            let finding = "Claude Code runs claviger-helper at every request".to_owned();
            let fix = format!("remove '{CACHE_LIFETIME}', or set it to milliseconds");
            return vec![found(ZERO, finding, &fix)];
        }
        Some(Ok(milliseconds)) => Duration::from_millis(milliseconds),
        Some(Err(_)) | None => DEFAULT,
    };
    let mut findings = Vec::new();
    if let Some(Err(_)) = set {
        let finding = format!("'{CACHE_LIFETIME}' is not a number, so that 300 s apply");
        let fix = format!("set '{CACHE_LIFETIME}' to milliseconds, such as \"300000\"");
        findings.push(found(INVALID, finding, &fix));
    }
    if let Some((source, valid)) = facts
        .config
        .and_then(|config| valid(facts, config, &command))
        && valid < lifetime.saturating_add(MARGIN)
    {
        let finding = format!(
            "Claude Code uses a key for {} s, and source '{source}' issues keys for {} s",
            lifetime.as_secs(),
            valid.as_secs()
        );
        let fix = format!(
            "set '{CACHE_LIFETIME}' to at least {} s less than the key is valid, in milliseconds",
            MARGIN.as_secs()
        );
        findings.push(found(TOO_LONG, finding, &fix));
    }
    findings
}

/// The source of the client's profile, and how long a key of it is valid; `None` if that is not
/// known, or the client itself knows when its key expires.
fn valid<'a>(
    facts: &Facts<'_>,
    config: &'a Config,
    command: &Command,
) -> Option<(&'a str, Duration)> {
    let base_url = facts.variable(BASE_URL);
    let base_url = base_url.as_ref().map(|variable| BaseUrl {
        url: variable.value.expose(),
        variables: BASE_URL,
    });
    let profile = match command {
        Command::Shim(shim) => shim.option("--profile"),
        _ => None,
    };
    let (name, profile) = config.select(profile, base_url).ok()?;
    let source = profile.source.as_str();
    let life = life(facts.lives.get(name), config.sources.get(source)?)?;
    let reads_expiry = facts.version.as_ref();
    let reads_expiry = reads_expiry.is_some_and(|(version, _)| *version >= READS_EXPIRY);
    (!(life.is_in_key && reads_expiry)).then_some((source, life.valid))
}

/// How long the keys of a source are valid, of which the daemon has seen one that was valid for
/// `seen`.
fn life(seen: Option<&KeyLife>, source: &SourceConfig) -> Option<KeyLife> {
    let opaque = |valid| KeyLife {
        valid,
        is_in_key: false,
    };
    match source {
        SourceConfig::Jwt(jwt) => Some(KeyLife {
            valid: jwt.ttl,
            is_in_key: true,
        }),
        // A program may print a key that it has had for a while.
        SourceConfig::Exec(exec) => exec.ttl.map(Ttl::get).map(opaque),
        SourceConfig::Oauth(oauth) => seen.copied().or_else(|| oauth.ttl.map(opaque)),
        SourceConfig::Vault(_) => seen.copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::Fixture, *};
    use crate::{claude_code::settings::Scope, doctor::client::version::Version};

    /// What is found if tokens are valid for ten minutes, of which clients from `READS_EXPIRY` on
    /// know.
    fn ids(lifetime: Option<&str>, version: Version) -> Vec<String> {
        let config = Fixture::config("[profile.default]\nsource = 's'\n");
        let helper = r#"{"apiKeyHelper": "exec /bin/claviger-helper"}"#;
        let mut facts = Fixture::facts(&[(Scope::User, helper)]);
        facts.config = Some(&config);
        facts.version = Some((version, "/usr/bin/claude".into()));
        if let Some(value) = lifetime {
            Fixture::set(&mut facts, &[(CACHE_LIFETIME, value)]);
        }
        check(&facts)
            .into_iter()
            .map(|finding| finding.id.replace("client.cache-lifetime-", ""))
            .collect()
    }

    #[test]
    fn the_cache_lifetime_is_a_number_and_shorter_than_the_key_is_valid() {
        for (lifetime, expected) in [
            (None, &[][..]),
            (Some("300000"), &[]),
            (Some(" 540000 "), &[]),
            (Some("540001"), &["too-long"]),
            (Some("3600000"), &["too-long"]),
            (Some("0"), &["zero"]),
            (Some("5m"), &["invalid"]),
            (Some("-1"), &["invalid"]),
            (Some(""), &[]),
        ] {
            assert_eq!(ids(lifetime, Version(2, 1, 197)), expected, "{lifetime:?}");
        }
    }

    #[test]
    fn a_client_that_reads_the_expiry_needs_no_shorter_lifetime() {
        assert_eq!(ids(Some("3600000"), READS_EXPIRY), [""; 0]);
        assert_eq!(ids(Some("x"), READS_EXPIRY), ["invalid"]);
    }

    /// A key of five minutes, which the daemon has seen and no configuration names.
    #[test]
    fn the_life_of_a_key_that_was_obtained_counts() {
        const VAULT: &str = "type = 'vault'\naddress = 'https://v'\npath = 'secret/k'\n\
            field = 'k'\nauth = { method = 'token', token_file = '/t' }";
        const OAUTH: &str = "type = 'oauth'\nissuer = 'https://i'\nclient_id = 'c'";
        const EXEC: &str = "type = 'exec'\ncommand = ['/bin/key']";
        let helper = r#"{"apiKeyHelper": "exec /bin/claviger-helper"}"#;
        for (source, is_in_key, version, expected) in [
            (VAULT, false, READS_EXPIRY, 1),
            (OAUTH, false, READS_EXPIRY, 1),
            (OAUTH, true, READS_EXPIRY, 0),
            (OAUTH, true, Version(2, 1, 197), 1),
            (EXEC, false, READS_EXPIRY, 0),
        ] {
            let text =
                format!("version = 1\n[profile.default]\nsource = 's'\n[source.s]\n{source}\n");
            let config = crate::config::parse(std::path::Path::new("/c.toml"), &text).unwrap();
            let mut facts = Fixture::facts(&[(Scope::User, helper)]);
            facts.config = Some(&config);
            facts.version = Some((version, "/usr/bin/claude".into()));
            let life = KeyLife {
                valid: Duration::from_secs(300),
                is_in_key,
            };
            facts.lives.insert("default".to_owned(), life);
            let findings = check(&facts);
            assert_eq!(findings.len(), expected, "{source}: {findings:?}");
        }
    }
}
