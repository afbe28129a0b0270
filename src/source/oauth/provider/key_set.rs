//! The server's public keys (RFC 7517): fetched once, and again for a key that they lack.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::exchange::Exchange;
use crate::{
    clock::{Clock, Tick},
    source::SourceError,
    sync,
};

/// How long a key set is used without a look at the server: a key that the server withdraws is
/// accepted for at most a day.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The shortest time between two fetches for unknown keys: a token with an invented key must not
/// cause a request each time.
const MIN_INTERVAL: Duration = Duration::from_secs(60);

/// The keys of one server.
pub(super) struct KeySet {
    clock: Arc<dyn Clock>,
    fetched: Mutex<Option<Fetched>>,
}

#[derive(Clone)]
struct Fetched {
    at: Tick,
    keys: Arc<Vec<Jwk>>,
    /// Whether an unknown key was the reason.
    was_for_unknown: bool,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            fetched: Mutex::default(),
        }
    }

    /// The keys that a signature with `key_id` and `algorithm` may be made by. They are fetched
    /// from `url` if there are none yet, or none with this identifier.
    ///
    /// # Errors
    ///
    /// [`SourceError`] if they cannot be fetched.
    pub(super) async fn candidates(
        &self,
        exchange: &Exchange,
        url: &Url,
        key_id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Vec<DecodingKey>, SourceError> {
        let now = self.clock.now().tick;
        let known = sync::lock(&self.fetched).clone();
        let mut was_for_unknown = false;
        if let Some(known) = &known {
            let age = now.since(known.at);
            let candidates = matching(&known.keys, key_id, algorithm);
            was_for_unknown = candidates.is_empty();
            let is_too_soon = was_for_unknown && known.was_for_unknown && age < MIN_INTERVAL;
            if (!was_for_unknown && age < MAX_AGE) || is_too_soon {
                return Ok(candidates);
            }
        }
        let keys = Arc::new(fetch(exchange, url).await?);
        *sync::lock(&self.fetched) = Some(Fetched {
            at: now,
            keys: Arc::clone(&keys),
            was_for_unknown,
        });
        Ok(matching(&keys, key_id, algorithm))
    }
}

async fn fetch(exchange: &Exchange, url: &Url) -> Result<Vec<Jwk>, SourceError> {
    let answer = exchange.get(url).await?;
    if answer.is_unavailable() {
        return Err(answer.unavailable(None));
    }
    if answer.is_page {
        return Err(answer.page());
    }
    let keys = match answer.status {
        200 => parse(&answer.body),
        _ => None,
    };
    keys.ok_or_else(|| answer.malformed(format!("expected a key set ({})", answer.status)))
}

/// The keys in a document; `None` if it is not a key set.
pub(super) fn parse(document: &[u8]) -> Option<Vec<Jwk>> {
    let document: Document = serde_json::from_slice(document).ok()?;
    // A key of a kind that is unknown here must not hide the others.
    let keys = document.keys.into_iter();
    Some(
        keys.filter_map(|key| serde_json::from_value(key).ok())
            .collect(),
    )
}

/// Those of `keys` that a signature with `key_id` and `algorithm` may be made by.
pub(super) fn matching(
    keys: &[Jwk],
    key_id: Option<&str>,
    algorithm: Algorithm,
) -> Vec<DecodingKey> {
    let fits = |key: &&Jwk| {
        let common = &key.common;
        let has_id = key_id.is_none() || common.key_id.as_deref() == key_id;
        let has_use = common
            .public_key_use
            .as_ref()
            .is_none_or(|of| *of == PublicKeyUse::Signature);
        let has_algorithm = common.key_algorithm.is_none_or(|of| of == algorithm.into());
        // A symmetric key that a server publishes proves nothing.
        let is_public = !matches!(key.algorithm, AlgorithmParameters::OctetKey(_));
        has_id && has_use && has_algorithm && is_public
    };
    let keys = keys.iter().filter(fits);
    keys.filter_map(|key| DecodingKey::from_jwk(key).ok())
        .collect()
}
