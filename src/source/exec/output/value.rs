//! The values of a JSON object whose fields may be of any kind, with strings as secrets.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::secret::Secret;

/// The value of a field. Not `serde_json::Value`, which does not wipe its strings.
#[derive(Debug, Default)]
pub(super) enum FieldValue {
    /// Missing, or `null`.
    #[default]
    Absent,
    Text(Secret),
    Number(f64),
    Object(Box<Status>),
    /// With its kind, for a message.
    Other(&'static str),
}

/// What an object may have if it is the field `status` of an `ExecCredential`.
#[derive(Debug, Default)]
pub(super) struct Status {
    pub(super) token: FieldValue,
    pub(super) expiration_timestamp: FieldValue,
}

impl FieldValue {
    /// The kind, for a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Absent => "missing",
            Self::Text(_) => "a string",
            Self::Number(_) => "a number",
            Self::Object(_) => "an object",
            Self::Other(kind) => kind,
        }
    }
}

impl<'de> Deserialize<'de> for FieldValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = FieldValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<FieldValue, E> {
        Ok(FieldValue::Text(Secret::new(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<FieldValue, E> {
        Ok(FieldValue::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<FieldValue, E> {
        Ok(FieldValue::Other("a boolean"))
    }

    fn visit_f64<E>(self, number: f64) -> Result<FieldValue, E> {
        Ok(FieldValue::Number(number))
    }

    // A time in seconds or milliseconds is exact as a float until long after the year 9999.
    fn visit_i64<E>(self, number: i64) -> Result<FieldValue, E> {
        Ok(FieldValue::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<FieldValue, E> {
        Ok(FieldValue::Number(number as f64))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<FieldValue, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(FieldValue::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<FieldValue, A::Error> {
        let mut object = Status::default();
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "token" => object.token = entries.next_value()?,
                "expirationTimestamp" => object.expiration_timestamp = entries.next_value()?,
                _ => _ = entries.next_value::<IgnoredAny>()?,
            }
        }
        Ok(FieldValue::Object(Box::new(object)))
    }
}
