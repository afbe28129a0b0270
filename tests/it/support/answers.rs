//! A gateway's answers to clients.

use claviger::secret::Secret;

use super::gateway::ScriptedGateway;

/// The path of a client's turns.
pub(crate) const MESSAGES: &str = "/v1/messages";

/// The status of an answer, and the fingerprint of the request's key.
pub(crate) type AnsweredKey = (u16, String);

/// The answers to all turns so far, the oldest first.
pub(crate) fn answers(gateway: &impl ScriptedGateway) -> Vec<AnsweredKey> {
    let requests = gateway.requests().into_iter();
    requests
        .filter(|request| request.path == MESSAGES)
        .map(|request| {
            let fingerprint = request.fingerprint.unwrap();
            (request.status.unwrap(), fingerprint.to_string())
        })
        .collect()
}

/// An answer to a request with `key`, as [`answers`] returns it.
pub(crate) fn answer(status: u16, key: &str) -> AnsweredKey {
    (status, fingerprint(key))
}

pub(crate) fn fingerprint(key: &str) -> String {
    secret(key).fingerprint().to_string()
}

pub(crate) fn secret(key: &str) -> Secret {
    Secret::new(key.to_owned())
}
