//! The audience of a JWT.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The claim `aud` (RFC 7519, section 4.1.3): one name, or a list, which stays a list even if it
/// contains only one. The schema refuses an empty one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    List(Vec<String>),
}

impl JsonSchema for Audience {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "audience".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "array"],
            "minLength": 1,
            "minItems": 1,
            "items": generator.subschema_for::<String>(),
        })
    }
}
