//! `[source.NAME]` with `type = "jwt"`.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::field::{EnvName, FilePath, Ttl},
    secret_ref::SecretRef,
    validator::Validator,
};
use crate::template::Template;

/// Short enough to limit the damage of a stolen key, and long enough to be renewed unnoticed.
const DEFAULT_TTL: Duration = Duration::from_secs(3600);

/// The registered claims (RFC 7519, 4.1) and the origin of each.
const REGISTERED: [(&str, &str); 7] = [
    ("iss", "by 'issuer'"),
    ("sub", "by 'subject'"),
    ("aud", "by 'audience'"),
    ("exp", "by 'ttl'"),
    ("nbf", "from the clock"),
    ("iat", "from the clock"),
    ("jti", "at random"),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct JwtKeys {
    /// The signature algorithm (RFC 7518, RFC 8037).
    #[schemars(with = "AlgorithmName")]
    algorithm: Algorithm,
    /// The file with the key: PEM, or for HS* the key itself, as text (white space at its ends is
    /// not part of it) or binary (all bytes are). An absolute path, or ~/ and a path.
    key_file: Option<FilePath>,
    /// The variable of the daemon's environment with the key.
    key_env: Option<EnvName>,
    /// The key's identifier ('kid' in the header).
    key_id: Option<String>,
    /// The claim 'iss'.
    issuer: Option<String>,
    /// The claim 'sub'. {user}, {host} and {env:NAME} are replaced.
    subject: Option<Template>,
    /// The claim 'aud'.
    audience: Option<String>,
    /// How long a JWT is valid, from 'iat' to 'exp': a duration, "1h" by default.
    ttl: Option<Ttl>,
    /// Further claims; none of the registered ones.
    #[serde(default)]
    claims: serde_json::Map<String, serde_json::Value>,
}

/// The names in the schema; [`Algorithm`] itself is read.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "only its schema is used")]
enum AlgorithmName {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    #[schemars(rename = "EdDSA")]
    EdDsa,
}

/// A JWT that Claviger signs itself (RFC 7519).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JwtConfig {
    /// JWS algorithm (RFC 7518, RFC 8037).
    pub(crate) algorithm: Algorithm,
    /// PEM for the asymmetric algorithms, the bytes themselves for HS*.
    pub(crate) key: SecretRef,
    /// `kid` in the header.
    pub(crate) key_id: Option<String>,
    /// `iss`.
    pub(crate) issuer: Option<String>,
    /// `sub`.
    pub(crate) subject: Option<Template>,
    /// `aud`.
    pub(crate) audience: Option<String>,
    /// From `iat` to `exp`.
    pub(crate) ttl: Duration,
    /// Further claims; none of the registered ones.
    pub(crate) claims: serde_json::Map<String, serde_json::Value>,
}

impl JwtKeys {
    /// Makes the configuration, unless a rule between keys is broken.
    pub(super) fn validate(self, validator: &mut Validator) -> Option<JwtConfig> {
        let key = validator.secret("key", self.key_file, self.key_env);
        validator.within("claims", |validator| {
            for (claim, origin) in REGISTERED {
                if self.claims.contains_key(claim) {
                    validator.error(claim, &format!("registered claim; it is set {origin}"));
                }
            }
        });
        Some(JwtConfig {
            algorithm: self.algorithm,
            key: key?,
            key_id: self.key_id,
            issuer: self.issuer,
            subject: self.subject,
            audience: self.audience,
            ttl: self.ttl.map_or(DEFAULT_TTL, Ttl::get),
            claims: self.claims,
        })
    }
}
