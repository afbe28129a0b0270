//! What the body of an error says, reduced to what can be compared and to fixed terms.
//!
//! Of the text itself, which may repeat the key, only a number remains: two errors are the same if
//! they have the same type and message, apart from what differs from request to request.

mod normalize;

use std::{
    fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use self::normalize::normalized;
use super::cause::{self, Cause};
use crate::secret::Secret;

/// The most bytes of an error's type, and of its message, that count.
const MAX_TEXT: usize = 4 * 1024;

/// Parts of errors that blame the key.
const AUTHENTICATION: [&str; 10] = [
    "auth",
    "credential",
    "denied",
    "forbidden",
    "jwt",
    "key",
    "login",
    "permission",
    "signature",
    "token",
];

/// Parts of errors that blame a server behind the gateway.
const OUTAGE: [&str; 10] = [
    "connect",
    "database",
    "dns",
    "overload",
    "refused",
    "temporar",
    "timed out",
    "timeout",
    "unavailable",
    "unreachable",
];

/// What an error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ErrorText {
    /// The same for two errors with the same type and message.
    pub(super) id: u64,
    /// Whether it blames the key, and no server behind the gateway.
    pub(super) blames_key: bool,
    /// What else it blames.
    pub(crate) cause: Option<Cause>,
}

impl ErrorText {
    /// The error in a JSON `body` that answers a request with `key`; `None` if it is not JSON.
    pub(crate) fn of_json(body: &[u8], key: &Secret) -> Option<Self> {
        let mut found = Found::new();
        let mut json = serde_json::Deserializer::from_slice(body);
        let walk = Walk(&mut found, Field::Other);
        walk.deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(Self::new(&found, key))
    }

    /// The error in the plain text `body`.
    pub(super) fn of_text(body: &[u8], key: &Secret) -> Self {
        let mut found = Found::new();
        for chunk in body.utf8_chunks() {
            found.push(Field::Message, chunk.valid());
        }
        Self::new(&found, key)
    }

    fn new(found: &Found, key: &Secret) -> Self {
        let message = normalized(&found.message, key);
        let mut text = Zeroizing::new(String::with_capacity(2 * MAX_TEXT + 1));
        text.push_str(&found.kind.to_ascii_lowercase());
        text.push('\n');
        text.push_str(&message);
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
        Self {
            id: hasher.finish(),
            blames_key: has(&AUTHENTICATION) && !has(&OUTAGE),
            cause: cause::of_text(&text),
        }
    }
}

/// The texts of an error. They may repeat the key, and are wiped.
struct Found {
    /// Types and codes.
    kind: Zeroizing<String>,
    /// Sentences.
    message: Zeroizing<String>,
}

impl Found {
    fn new() -> Self {
        let text = || Zeroizing::new(String::with_capacity(MAX_TEXT));
        Self {
            kind: text(),
            message: text(),
        }
    }

    fn push(&mut self, field: Field, text: &str) {
        let into = match field {
            Field::Kind => &mut self.kind,
            Field::Message => &mut self.message,
            Field::Other => return,
        };
        // It does not grow, which would leave a copy behind.
        let room = MAX_TEXT.saturating_sub(into.len() + 1);
        into.push_str(&text[..text.floor_char_boundary(room)]);
        if room > 0 {
            into.push(' ');
        }
    }
}

/// What a field of a JSON error contains.
#[derive(Clone, Copy)]
enum Field {
    Kind,
    Message,
    /// Nothing that counts, such as the number of the request.
    Other,
}

impl Field {
    /// By the names that gateways and API servers use.
    fn named(name: &str) -> Self {
        match name {
            "type" | "code" | "error_code" | "errorCode" | "status" | "reason" => Self::Kind,
            "error" | "errors" | "message" | "msg" | "detail" | "details" | "title"
            | "description" | "error_description" => Self::Message,
            _ => Self::Other,
        }
    }
}

/// Collects the texts of a JSON value, objects and lists included. Unlike a
/// [`serde_json::Value`], it makes no copies that stay in memory.
struct Walk<'a>(&'a mut Found, Field);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push(self.1, text);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.push(self.1, &number.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.push(self.1, &number.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Walk(self.0, self.1))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Name)? {
            map.next_value_seed(Walk(self.0, field))?;
        }
        Ok(())
    }
}

/// The name of a JSON object's member.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Field, E> {
        Ok(Field::named(name))
    }
}

#[cfg(test)]
mod tests;
