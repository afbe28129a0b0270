//! The data and metadata of a KV v2 secret. See
//! <https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{clock::Timestamp, source::vault::response::VersionMetadata};

/// The `data` of a KV v2 read.
#[derive(Deserialize)]
pub(in crate::source::vault) struct VersionedData<T> {
    /// `null` if the version was deleted; the status is then 404.
    pub(in crate::source::vault) data: Option<T>,
    pub(in crate::source::vault) metadata: VersionMetadata,
}

/// The `data` of a KV v2 metadata read.
#[derive(Deserialize)]
pub(in crate::source::vault) struct SecretMetadata {
    current_version: u64,
    #[serde(default)]
    versions: BTreeMap<String, VersionState>,
}

#[derive(Deserialize)]
struct VersionState {
    /// Empty or RFC 3339; in the future if `delete_version_after` is set.
    #[serde(default)]
    deletion_time: String,
    #[serde(default)]
    destroyed: bool,
}

impl SecretMetadata {
    /// Returns the number of the current version.
    ///
    /// # Errors
    ///
    /// Why it has no data, as the `reason` of
    /// [`SourceError::Missing`](crate::source::SourceError::Missing).
    pub(in crate::source::vault) fn current(&self, now: Timestamp) -> Result<u64, String> {
        let version = self.current_version;
        if version == 0 {
            return Err("no version was written".to_owned());
        }
        let Some(state) = self.versions.get(&version.to_string()) else {
            return Ok(version);
        };
        let deleted = state
            .deletion_time
            .parse()
            .is_ok_and(|at: Timestamp| at <= now);
        if state.destroyed || deleted {
            let destroyed = state.destroyed;
            let metadata = VersionMetadata {
                version,
                destroyed,
                created_time: None,
            };
            return Err(metadata.missing_reason());
        }
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_version_must_have_data() {
        let now = "2026-01-02T00:00:00Z".parse().unwrap();
        let current = |json: &str| {
            serde_json::from_str::<SecretMetadata>(json)
                .unwrap()
                .current(now)
        };
        let of = |version: &str| {
            current(&format!(
                r#"{{"current_version":2,"versions":{{"1":{{"destroyed":true}},"2":{version}}}}}"#
            ))
        };
        assert_eq!(of(r#"{"deletion_time":"","destroyed":false}"#), Ok(2));
        assert_eq!(
            of(r#"{"deletion_time":"2026-01-03T00:00:00Z","destroyed":false}"#),
            Ok(2)
        );
        assert!(
            of(r#"{"deletion_time":"2026-01-01T00:00:00.5Z","destroyed":false}"#)
                .unwrap_err()
                .contains("deleted")
        );
        assert!(
            of(r#"{"deletion_time":"","destroyed":true}"#)
                .unwrap_err()
                .contains("destroyed")
        );
        assert!(current(r#"{"current_version":0,"versions":{}}"#).is_err());
    }
}
