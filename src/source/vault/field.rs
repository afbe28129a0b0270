//! The fields of a secret, and the key among them.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::{
    credential::key_from_input,
    secret::Secret,
    source::{SourceError, sanitize},
};

/// The most field names that a message lists.
const MAX_NAMES: usize = 8;

/// The fields of a secret, by name.
pub(super) type SecretFields = BTreeMap<String, FieldValue>;

/// The value of a field.
pub(super) enum FieldValue {
    /// A string, which is parsed straight into a [`Secret`].
    Text(Secret),
    /// The JSON type of any other value, with its article.
    Other(&'static str),
}

/// Extracts the key from the field `name`.
///
/// # Errors
///
/// [`SourceError::Unusable`] if the field is missing (the names of the others are listed), is not a
/// string or is not a key that the client accepts.
pub(super) fn extract_field(
    host: &str,
    mut fields: SecretFields,
    name: &str,
) -> Result<Secret, SourceError> {
    let unusable = |reason: String| SourceError::Unusable {
        host: host.to_owned(),
        field: name.to_owned(),
        reason,
    };
    match fields.remove(name) {
        Some(FieldValue::Text(text)) => {
            key_from_input(text.expose().as_bytes()).map_err(|reason| unusable(reason.to_string()))
        }
        Some(FieldValue::Other(kind)) => Err(unusable(format!("is {kind}, not a string"))),
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
            let names = sanitize::one_line(&names.join(", "));
            Err(unusable(format!(
                "is missing; the secret contains {names}{more}"
            )))
        }
    }
}

impl<'de> Deserialize<'de> for FieldValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = FieldValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<FieldValue, E> {
        Ok(FieldValue::Text(Secret::new(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<FieldValue, E> {
        Ok(FieldValue::Text(Secret::new(text)))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<FieldValue, E> {
        Ok(FieldValue::Other("a boolean"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<FieldValue, E> {
        Ok(FieldValue::Other("a number"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<FieldValue, E> {
        Ok(FieldValue::Other("a number"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<FieldValue, E> {
        Ok(FieldValue::Other("a number"))
    }

    fn visit_unit<E: Error>(self) -> Result<FieldValue, E> {
        Ok(FieldValue::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<FieldValue, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(FieldValue::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FieldValue, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(FieldValue::Other("an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extracted(json: &str) -> Result<Secret, String> {
        extract_field("v", serde_json::from_str(json).unwrap(), "api_key")
            .map_err(|e| e.to_string())
    }

    #[test]
    fn extracts_the_key_or_explains_why_not() {
        assert_eq!(
            extracted(r#"{"api_key":"sk-1","n":1}"#).unwrap().expose(),
            "sk-1"
        );
        let padded = extracted(r#"{"api_key":"\ufeffsk-1\r\n"}"#);
        assert_eq!(padded.unwrap().expose(), "sk-1");
        let table = [
            (r#"{"api_key":12}"#, "is a number, not a string"),
            (r#"{"api_key":{"a":["b"]}}"#, "is an object, not a string"),
            (r#"{"api_key":[1]}"#, "is a list, not a string"),
            (r#"{"api_key":null}"#, "is null, not a string"),
            (r#"{"api_key":""}"#, "is empty"),
            (r#"{"api_key":" \n"}"#, "is empty"),
            (
                r#"{"api_key":"null"}"#,
                "is null, which means that there is no value",
            ),
            (
                r#"{"api_key":"\"sk-1\""}"#,
                "is in quotes; expected the value without them",
            ),
            (r#"{"api_key":"a b"}"#, "contains whitespace at character 2"),
            (
                r#"{"b":"hunter2","a":1}"#,
                "is missing; the secret contains 'a', 'b'",
            ),
            ("{}", "is missing; the secret has no fields"),
        ];
        for (json, reason) in table {
            assert_eq!(
                extracted(json).unwrap_err(),
                format!("field 'api_key' from 'v' {reason}")
            );
        }
    }
}
