//! What secrets look like in Vault's answers. See <https://developer.hashicorp.com/vault/api-docs/secret/kv>.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::answer::Gone;
use crate::{clock::Timestamp, credential::check_usable, secret::Secret, source::SourceError};

/// How many names of fields a message lists.
const MAX_NAMES: usize = 8;

/// The fields of a secret.
pub(super) type Fields = BTreeMap<String, Field>;

/// One field's value: a secret from the first byte on, or what kind of thing it is instead.
pub(super) enum Field {
    Text(Secret),
    Other(&'static str),
}

/// `data` of a KV v2 read.
#[derive(Deserialize)]
pub(super) struct Versioned<T> {
    /// `null` where the version was deleted, which comes with status 404.
    pub(super) data: Option<T>,
    pub(super) metadata: Gone,
}

/// `data` of a KV v2 metadata read.
#[derive(Deserialize)]
pub(super) struct Metadata {
    current_version: u64,
    #[serde(default)]
    versions: BTreeMap<String, Version>,
}

#[derive(Deserialize)]
struct Version {
    /// Empty, or RFC 3339; in the future where `delete_version_after` is set.
    #[serde(default)]
    deletion_time: String,
    #[serde(default)]
    destroyed: bool,
}

impl Metadata {
    /// The current version, or why it cannot be read (as the end of [`SourceError::Missing`]).
    pub(super) fn current(&self, now: Timestamp) -> Result<u64, String> {
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
            return Err(Gone { version, destroyed }.said());
        }
        Ok(version)
    }
}

/// The key among the fields.
///
/// # Errors
///
/// [`SourceError::Unusable`]: not there (the names that are there are no secret), not a string, not a key.
pub(super) fn pick(host: &str, mut fields: Fields, name: &str) -> Result<Secret, SourceError> {
    let unusable = |reason: String| SourceError::Unusable {
        host: host.to_owned(),
        field: name.to_owned(),
        reason,
    };
    match fields.remove(name) {
        Some(Field::Text(key)) => match check_usable(&key) {
            Ok(()) => Ok(key),
            Err(reason) => Err(unusable(reason.to_string())),
        },
        Some(Field::Other(kind)) => Err(unusable(format!("is {kind}, not a string"))),
        None if fields.is_empty() => {
            Err(unusable("is missing; the secret has no fields".to_owned()))
        }
        None => {
            let names: Vec<_> = fields
                .keys()
                .take(MAX_NAMES)
                .map(|name| format!("'{name}'"))
                .collect();
            let more = if fields.len() > MAX_NAMES {
                ", …"
            } else {
                ""
            };
            let names = crate::source::sanitize::one_line(&names.join(", "));
            Err(unusable(format!(
                "is missing; the secret contains {names}{more}"
            )))
        }
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Field, E> {
        Ok(Field::Text(Secret::new(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Field, E> {
        Ok(Field::Text(Secret::new(text)))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Field, E> {
        Ok(Field::Other("a boolean"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Field, E> {
        Ok(Field::Other("a number"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Field, E> {
        Ok(Field::Other("a number"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Field, E> {
        Ok(Field::Other("a number"))
    }

    fn visit_unit<E: Error>(self) -> Result<Field, E> {
        Ok(Field::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Field, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other("an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(json: &str) -> Result<Secret, String> {
        pick("v", serde_json::from_str(json).unwrap(), "api_key").map_err(|e| e.to_string())
    }

    #[test]
    fn the_key_or_what_is_there_instead() {
        assert_eq!(
            picked(r#"{"api_key":"sk-1","n":1}"#).unwrap().expose(),
            "sk-1"
        );
        let table = [
            (r#"{"api_key":12}"#, "is a number, not a string"),
            (r#"{"api_key":{"a":["b"]}}"#, "is an object, not a string"),
            (r#"{"api_key":[1]}"#, "is a list, not a string"),
            (r#"{"api_key":null}"#, "is null, not a string"),
            (r#"{"api_key":""}"#, "is empty"),
            (r#"{"api_key":"a b"}"#, "contains whitespace at character 2"),
            (
                r#"{"b":"hunter2","a":1}"#,
                "is missing; the secret contains 'a', 'b'",
            ),
            ("{}", "is missing; the secret has no fields"),
        ];
        for (json, reason) in table {
            assert_eq!(
                picked(json).unwrap_err(),
                format!("field 'api_key' from 'v' {reason}")
            );
        }
    }

    #[test]
    fn the_current_version() {
        let now = "2026-01-02T00:00:00Z".parse().unwrap();
        let current = |json: &str| serde_json::from_str::<Metadata>(json).unwrap().current(now);
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
