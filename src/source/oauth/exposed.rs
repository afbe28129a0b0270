//! Secrets as a part of a record, which is a secret itself. For `#[serde(serialize_with)]`.

use serde::{Serialize as _, Serializer};

use crate::secret::Secret;

/// Serializes the text of `secret`.
pub(super) fn one<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
    secret.expose().serialize(to)
}

/// Serializes the text of `secret`, or null.
pub(super) fn optional<S: Serializer>(secret: &Option<Secret>, to: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(to)
}
