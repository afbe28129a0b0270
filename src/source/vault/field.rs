//! The fields of a secret, and the key among them.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use crate::{
    credential::key_from_input,
    network::{ForeignText, RequestSecrets},
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
    Object(SecretFields),
    List(Vec<Self>),
    /// The JSON type of any other value, with its article.
    Other(&'static str),
}

/// Extracts the key from the field `name`. If that starts with `/`, it is a JSON pointer (RFC 6901)
/// to a nested field, or else the name of a field that starts so.
///
/// # Errors
///
/// [`SourceError::Unusable`] if the field is missing (the names of the others are listed), is not a
/// string or is not a key that the client accepts. It repeats none of `secrets`, which the request
/// contained.
pub(super) fn extract_field(
    host: &str,
    fields: &SecretFields,
    name: &str,
    secrets: &RequestSecrets,
) -> Result<Secret, SourceError> {
    let unusable = |reason: String| SourceError::Unusable {
        host: host.to_owned(),
        field: sanitize::one_line(name),
        reason,
    };
    let found = match name.strip_prefix('/') {
        Some(pointer) => follow(fields, pointer, secrets),
        None => Err(format!(
            "is missing; the secret {}",
            contents(fields, secrets)
        )),
    };
    match found.or_else(|missing| fields.get(name).ok_or(missing)) {
        Ok(FieldValue::Text(text)) => {
            key_from_input(text.expose().as_bytes()).map_err(|reason| unusable(reason.to_string()))
        }
        Ok(other) => Err(unusable(format!("is {}, not a string", other.kind()))),
        Err(missing) => Err(unusable(missing)),
    }
}

/// The value that `pointer`, a JSON pointer without its first slash, refers to.
///
/// # Errors
///
/// The end of a sentence about the pointer: up to which part it could be followed.
fn follow<'a>(
    fields: &'a SecretFields,
    pointer: &str,
    secrets: &RequestSecrets,
) -> Result<&'a FieldValue, String> {
    let mut followed = String::new();
    let mut at: Option<&'a FieldValue> = None;
    for token in pointer.split('/') {
        let name = token.replace("~1", "/").replace("~0", "~");
        let next = match at {
            None => fields.get(&name),
            Some(FieldValue::Object(fields)) => fields.get(&name),
            Some(FieldValue::List(items)) => index(token).and_then(|index| items.get(index)),
            Some(FieldValue::Text(_) | FieldValue::Other(_)) => None,
        };
        let Some(next) = next else {
            let parent = match at {
                None => format!("the secret {}", contents(fields, secrets)),
                Some(FieldValue::Object(fields)) => {
                    format!("'{followed}' {}", contents(fields, secrets))
                }
                Some(other) => format!("'{followed}' is {}", other.kind()),
            };
            return Err(format!("is missing; {}", sanitize::one_line(&parent)));
        };
        followed.push('/');
        followed.push_str(token);
        at = Some(next);
    }
    at.ok_or_else(|| "is missing".to_owned())
}

/// An index of a list, without leading zeros.
fn index(token: &str) -> Option<usize> {
    let is_canonical = token == "0" || !token.starts_with(['0', '+']);
    is_canonical.then(|| token.parse().ok())?
}

/// `contains 'a', 'b'`: the names of `fields`, which the server has chosen.
fn contents(fields: &SecretFields, secrets: &RequestSecrets) -> String {
    if fields.is_empty() {
        return "has no fields".to_owned();
    }
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
    let names = ForeignText::new(names.join(", ")).clean(secrets);
    format!("contains {names}{more}")
}

impl FieldValue {
    /// The JSON type, with its article.
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Object(_) => "an object",
            Self::List(_) => "a list",
            Self::Other(kind) => kind,
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
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(FieldValue::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FieldValue, A::Error> {
        let mut fields = SecretFields::new();
        while let Some((name, value)) = map.next_entry()? {
            fields.insert(name, value);
        }
        Ok(FieldValue::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extracted(json: &str) -> Result<Secret, String> {
        extracted_from(json, "api_key")
    }

    fn extracted_from(json: &str, name: &str) -> Result<Secret, String> {
        let fields = serde_json::from_str(json).unwrap();
        extract_field("v", &fields, name, &RequestSecrets::default()).map_err(|e| e.to_string())
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

    /// The server chooses the names, and knows the token.
    #[test]
    fn no_name_repeats_a_secret_of_the_request() {
        const TOKEN: &str = "hvs.CAESIJ-4f+k/9";
        let secrets: RequestSecrets = [Secret::new(TOKEN.to_owned())].into_iter().collect();
        for name in [
            TOKEN.to_owned(),
            TOKEN.to_lowercase(),
            format!("bad token {TOKEN}"),
            "hvs.CAESIJ-4f%2Bk%2F9".to_owned(),
            "aHZzLkNBRVNJSi00Zitr".to_owned(),
        ] {
            let fields = serde_json::json!({ &name: "x", "a": { &name: "y" } });
            let fields = serde_json::from_value(fields).unwrap();
            for wanted in ["api_key", "/api_key", "/a/api_key"] {
                let error = extract_field("v", &fields, wanted, &secrets).map(drop);
                let error = error.unwrap_err().to_string();
                assert!(error.contains("(omitted"), "{error}");
                assert!(!error.contains(&name), "{error}");
            }
        }
    }

    #[test]
    fn a_json_pointer_leads_to_a_nested_field() {
        let json = r#"{"result":{"key":"sk-1","keys":["sk-2","sk-3"],"a/b":{"~":"sk-4"},"":"sk-5"},
            "/literal":"sk-6","key":"sk-7","n":{"key":7},"/result/key":"sk-8"}"#;
        for (pointer, key) in [
            ("/result/key", "sk-1"),
            ("/result/keys/0", "sk-2"),
            ("/result/keys/1", "sk-3"),
            ("/result/a~1b/~0", "sk-4"),
            ("/result/", "sk-5"),
            ("/key", "sk-7"),
            // No such pointer: the name of a field.
            ("/literal", "sk-6"),
        ] {
            assert_eq!(extracted_from(json, pointer).unwrap().expose(), key);
        }
        for (pointer, reason) in [
            ("/result", "is an object, not a string"),
            ("/result/keys", "is a list, not a string"),
            ("/n/key", "is a number, not a string"),
            ("/nothing", "is missing; the secret contains '/literal', "),
            (
                "/result/ky",
                "is missing; '/result' contains '', 'a/b', 'key', 'keys'",
            ),
            ("/result/keys/2", "is missing; '/result/keys' is a list"),
            ("/result/keys/01", "is missing; '/result/keys' is a list"),
            ("/result/keys/+1", "is missing; '/result/keys' is a list"),
            ("/result/keys/-", "is missing; '/result/keys' is a list"),
            ("/result/key/x", "is missing; '/result/key' is a string"),
            ("/", "is missing; the secret contains"),
            ("result/key", "is missing; the secret contains"),
        ] {
            let expected = format!("field '{pointer}' from 'v' {reason}");
            let error = extracted_from(json, pointer).unwrap_err();
            assert!(error.starts_with(&expected), "{error}");
            assert!(!error.contains("sk-"), "{error}");
        }
    }
}
