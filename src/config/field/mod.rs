//! The values that have a rule of their own, each as a type that parses itself.
//!
//! The error of a type's `FromStr` is a message about its key: `expected …` or what is wrong. In
//! the JSON Schema the type is a string with a `format`; [`check`] applies the rule of a format, so
//! that all mistakes of a file are found at once and located, not only the first that serde meets.
//! An editor, which does not know our formats, has the [`TextFormat`] of each.

mod audience;
mod caller;
mod command;
mod date_time;
mod duration;
mod env_name;
mod file_path;
mod gateway_url;
mod header_name;
mod host;
mod issuer;
mod name;
mod no_proxy;
mod policy_key;
mod policy_times;
mod policy_url;
mod preset_name;
mod program_version;
mod proxy;
mod support;
mod text_format;
mod unambiguous_url;
mod vault;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};

pub(crate) use self::{
    audience::Audience,
    caller::CallerPattern,
    command::CommandLine,
    date_time::DateTime,
    duration::{IdleTimeout, Leeway, MaxAge, Timeout, Ttl, WatchInterval},
    env_name::EnvName,
    file_path::FilePath,
    gateway_url::{GatewayUrl, origin_of},
    header_name::HeaderKey,
    host::{RedirectHost, host_and_port, is_loopback, is_loopback_name},
    issuer::{Issuer, RedirectPath, Resource},
    name::Name,
    no_proxy::NoProxy,
    policy_key::PolicyKey,
    policy_times::{PolicyMaxAge, PolicyWatch},
    policy_url::PolicyUrl,
    preset_name::{GatewayKind, IdpName},
    program_version::ProgramVersion,
    proxy::{ProxySetting, ProxyUrl},
    support::Support,
    vault::{Mount, Namespace, Username, VaultAddress, VaultPath},
};
use self::{command::ProgramPath, text_format::TextFormat};
use crate::template::Template;

/// Makes each type a string of its format in the file and in the schema.
macro_rules! formats {
    ($($format:literal => $type:ty,)+) => {
        /// Applies the rule of `format`; a format of JSON Schema's own has none here.
        ///
        /// # Errors
        ///
        /// A message about the key.
        pub(in super::super) fn check(format: &str, text: &str) -> Result<(), String> {
            match format {
                // Its value may be a list, so that it has a schema of its own.
                "no-proxy" => text.parse::<NoProxy>().map(drop),
                $($format => match text.parse::<$type>() {
                    Ok(_) => Ok(()),
                    Err(error) => Err(error.to_string()),
                },)+
                _ => Ok(()),
            }
        }

        /// The pattern of `format` and an example; a format of JSON Schema's own has none here.
        pub(super) fn pattern_and_example(format: &str) -> Option<(&'static str, &'static str)> {
            match format {
                "no-proxy" => Some((NoProxy::PATTERN, NoProxy::EXAMPLE)),
                $($format => Some((<$type>::PATTERN, <$type>::EXAMPLE)),)+
                _ => None,
            }
        }

        /// Every format.
        #[cfg(test)]
        pub(super) const FORMATS: &[&str] = &[$($format),+];

        $(
            impl<'de> Deserialize<'de> for $type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
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
                    json_schema!({ "type": "string", "format": $format })
                }
            }
        )+
    };
}

formats! {
    "caller" => CallerPattern,
    "date-time" => DateTime,
    "env-name" => EnvName,
    "file-path" => FilePath,
    "gateway-url" => GatewayUrl,
    "header-name" => HeaderKey,
    "idle-timeout" => IdleTimeout,
    "issuer" => Issuer,
    "leeway" => Leeway,
    "max-age" => MaxAge,
    "name" => Name,
    "policy-key" => PolicyKey,
    "policy-max-age" => PolicyMaxAge,
    "policy-url" => PolicyUrl,
    "policy-watch" => PolicyWatch,
    "program" => ProgramPath,
    "program-version" => ProgramVersion,
    "proxy" => ProxySetting,
    "redirect-host" => RedirectHost,
    "redirect-path" => RedirectPath,
    "resource" => Resource,
    "support" => Support,
    "template" => Template,
    "timeout" => Timeout,
    "ttl" => Ttl,
    "vault-address" => VaultAddress,
    "vault-mount" => Mount,
    "vault-namespace" => Namespace,
    "vault-path" => VaultPath,
    "vault-username" => Username,
    "watch-interval" => WatchInterval,
}

#[cfg(test)]
mod tests;
