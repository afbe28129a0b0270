//! From the file's shape to the model: what a schema cannot say. Parse, don't validate: what comes out needs no further
//! check.

mod auth;
mod chain;
mod exec;
mod jwt;
mod path;
mod scope;
mod vault;

use std::{collections::BTreeMap, ops::RangeInclusive, path::PathBuf, time::Duration};

use self::scope::Scope;
use super::{
    document::Issue,
    duration,
    gateway::GatewayUrl,
    model::{Config, DaemonConfig, Probe, ProfileConfig, SourceConfig},
    raw,
    suggest::{quote, suggest},
};

/// How long a daemon may be idle: not so short that it is started anew for each request of one session, and not longer
/// than what `"off"` is for.
const IDLE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(365 * 86_400);

/// How long one request or program may take. Less than 100 ms is less than a TLS handshake across a continent; after a
/// minute every client has long given up (the shim's own deadline is 8 s).
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);

/// What is left of the shim's deadline of 8 s for everything else is enough.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a key lives. JWTs count in seconds (RFC 7519 NumericDate); more than a year is a slip of the unit, or a key
/// that is not worth renewing.
const TTL: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(366 * 86_400);

/// The longest name of a profile or source: they are arguments, file names and columns of a table.
const MAX_NAME_LEN: usize = 64;

/// Makes a configuration of a file that the schema's check has passed.
///
/// # Errors
///
/// Everything that is wrong with it.
pub(super) fn config(raw: raw::File, file: PathBuf) -> Result<Config, Vec<Issue>> {
    let mut scope = Scope::new();
    let sources = scope.within("source", |scope| named(scope, raw.source, source));
    let names: Vec<_> = sources.keys().map(String::as_str).collect();
    let profiles = scope.within("profile", |scope| {
        named(scope, raw.profile, |scope, raw| profile(scope, raw, &names))
    });
    let daemon = scope.within("daemon", |scope| daemon(scope, raw.daemon));
    scope.within("source", |scope| chain::check(scope, &sources));
    let issues = scope.into_issues();
    // Where something is `None` there is an issue.
    match (all(profiles), all(sources), daemon) {
        (Some(profiles), Some(sources), Some(daemon)) if issues.is_empty() => Ok(Config {
            file,
            profiles,
            sources,
            daemon,
        }),
        _ => Err(issues),
    }
}

fn named<R, T>(
    scope: &mut Scope,
    raw: BTreeMap<String, R>,
    mut parse: impl FnMut(&mut Scope, R) -> Option<T>,
) -> BTreeMap<String, Option<T>> {
    let parse_one = |(name, raw): (String, R)| {
        if !is_name(&name) {
            scope.refuse(
                &name,
                &format!("is no name; it takes 1 to {MAX_NAME_LEN} ASCII letters, digits and any of '._-', the first a letter or digit"),
            );
        }
        let parsed = scope.within(&name, |scope| parse(scope, raw));
        (name, parsed)
    };
    raw.into_iter().map(parse_one).collect()
}

fn all<T>(named: BTreeMap<String, Option<T>>) -> Option<BTreeMap<String, T>> {
    named
        .into_iter()
        .map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Names are typed, printed in tables and written into file names.
fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME_LEN
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn daemon(scope: &mut Scope, raw: raw::Daemon) -> Option<DaemonConfig> {
    let idle = raw
        .exit_when_idle
        .map(|text| duration::parse_or_off(&text, &IDLE));
    let idle = scope.keep("exit_when_idle", idle.unwrap_or(Ok(None)));
    Some(DaemonConfig {
        exit_when_idle: idle?,
    })
}

fn profile(scope: &mut Scope, raw: raw::Profile, sources: &[&str]) -> Option<ProfileConfig> {
    let gateway = raw.gateway.map(|text| GatewayUrl::parse(&text)).transpose();
    let gateway = scope.keep("gateway", gateway);
    let probe = match raw.probe {
        Some(raw::Probe::Models) => Probe::Models,
        Some(raw::Probe::CountTokens) => Probe::CountTokens,
        Some(raw::Probe::Off) => Probe::Off,
        None if gateway == Some(None) => Probe::Off,
        None => Probe::Models,
    };
    if gateway == Some(None) && probe != Probe::Off {
        scope.refuse(
            "probe",
            "asks a gateway, and the profile has no 'gateway'; it takes 'off' here",
        );
    }
    source_exists(scope, "source", &raw.source, sources);
    Some(ProfileConfig {
        gateway: gateway?,
        source: raw.source,
        probe,
    })
}

fn source(scope: &mut Scope, raw: raw::Source) -> Option<SourceConfig> {
    match raw {
        raw::Source::Vault(raw) => {
            vault::vault(scope, *raw).map(|vault| SourceConfig::Vault(Box::new(vault)))
        }
        raw::Source::Jwt(raw) => jwt::jwt(scope, raw).map(SourceConfig::Jwt),
        raw::Source::Exec(raw) => exec::exec(scope, raw).map(SourceConfig::Exec),
    }
}

/// `timeout`, wherever there is one.
fn timeout(scope: &mut Scope, text: Option<String>) -> Option<Duration> {
    let timeout = text.map_or(Ok(DEFAULT_TIMEOUT), |text| duration::parse(&text, &TIMEOUT));
    scope.keep("timeout", timeout)
}

/// Whether the source that `key` names is there; if not, that is an issue.
fn source_exists(scope: &mut Scope, key: &str, name: &str, sources: &[&str]) -> bool {
    let exists = sources.contains(&name);
    if !exists {
        let hint = suggest(name, sources.iter().copied(), "the sources are");
        scope.refuse(
            key,
            &format!("names {}, and there is no such source{hint}", quote(name)),
        );
    }
    exists
}
