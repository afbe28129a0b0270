//! What Claude Code's settings need.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Client, Settings, helper::Helper, profile::Profile};
use crate::claude_code::variables::{BASE_URL, BYPASSES, CACHE_LIFETIME};

/// How long Claude Code uses a key by itself.
const CACHED: Duration = Duration::from_secs(300);

/// The managed settings for `profile`. With `otel`, the telemetry gets its headers from the shim.
///
/// They contain nothing but what makes the shim's key the only one and the gateway the only server:
///
/// - the base URL, because the client takes that of a repository otherwise and sends it the key;
/// - the cache lifetime, even if it is the client's own, so that no other settings change it;
/// - an empty value for each variable that would get round either.
#[must_use]
pub(crate) fn managed(profile: &Profile<'_>, helper: &Helper, otel: bool) -> Settings {
    let cached = profile.cache_lifetime(CACHED);
    let mut env: Map<_, _> = BYPASSES
        .iter()
        .map(|bypass| (bypass.name.to_owned(), json!("")))
        .collect();
    env.insert(BASE_URL.to_owned(), json!(profile.base_url()));
    let milliseconds = cached.time.as_millis().to_string();
    env.insert(CACHE_LIFETIME.to_owned(), json!(milliseconds));
    let mut args = match profile.is_selected_by_gateway() {
        true => vec![],
        false => vec!["--profile", profile.name()],
    };
    let mut values = settings(helper.command(&args), env);
    if otel {
        args.extend(["--format", "headers"]);
        values.insert("otelHeadersHelper".to_owned(), json!(helper.command(&args)));
    }
    Settings {
        client: Client::ClaudeCode,
        profile: profile.name().to_owned(),
        values,
        warnings: cached.warning(profile.name()).into_iter().collect(),
    }
}

/// The settings of a user who has only one profile.
#[must_use]
pub(crate) fn of_user(profile: &Profile<'_>, helper: &Helper) -> Map<String, Value> {
    let base_url = (BASE_URL.to_owned(), json!(profile.base_url()));
    settings(helper.command(&[]), [base_url].into_iter().collect())
}

fn settings(helper: String, env: Map<String, Value>) -> Map<String, Value> {
    let values = [("apiKeyHelper", json!(helper)), ("env", json!(env))];
    let values = values.map(|(key, value)| (key.to_owned(), value));
    values.into_iter().collect()
}
