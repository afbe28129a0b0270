//! The name of a preset.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::preset::{self, Preset};

/// The preset of an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdpName(&'static str);

/// The preset of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GatewayKind(&'static str);

/// Makes each type the name of one of its presets, in the file and in the schema.
macro_rules! names {
    ($($type:ident: $one:path, $all:path, $format:literal;)+) => {
        $(
            impl $type {
                /// The preset with this name.
                pub(crate) fn preset(self) -> Option<&'static Preset> {
                    $one(self.0)
                }
            }

            impl<'de> Deserialize<'de> for $type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let name = String::deserialize(deserializer)?;
                    let preset = $one(&name).ok_or_else(|| D::Error::custom("unknown preset"))?;
                    Ok(Self(preset.name))
                }
            }

            impl JsonSchema for $type {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    $format.into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "enum": $all().map(|preset| preset.name).collect::<Vec<_>>() })
                }
            }
        )+
    };
}

names! {
    IdpName: preset::idp, preset::idps, "idp";
    GatewayKind: preset::gateway, preset::gateways, "gateway-kind";
}
