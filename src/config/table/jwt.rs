//! `[source.NAME]` with `type = "jwt"`.

use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::field::{Audience, EnvName, FilePath, Leeway, Ttl},
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
    ("nbf", "by 'not_before'"),
    ("iat", "from the clock"),
    ("jti", "at random"),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct JwtKeys {
    /// The signature algorithm (RFC 7518, RFC 8037).
    algorithm: SigningAlgorithm,
    /// The file with the key: PEM, or for HS* the key itself, as text (white space at its ends is
    /// not part of it) or binary (all bytes are). An absolute path, or ~/ and a path.
    key_file: Option<FilePath>,
    /// The variable of the client's environment with the key.
    key_env: Option<EnvName>,
    /// The file with the password of an encrypted PEM key. An absolute path, or ~/ and a path.
    key_password_file: Option<FilePath>,
    /// The variable of the client's environment with that password.
    key_password_env: Option<EnvName>,
    /// The key's identifier ('kid' in the header).
    key_id: Option<String>,
    /// The claim 'iss'.
    issuer: Option<String>,
    /// The claim 'sub'. {user}, {host} and {env:NAME} are replaced.
    subject: Option<Template>,
    /// The claim 'aud': a string, or a list of strings.
    audience: Option<Audience>,
    /// How long a JWT is valid, from now to 'exp': a duration, "1h" by default.
    ttl: Option<Ttl>,
    /// How far the gateway's clock may be behind: 'iat' and 'nbf' are this much before now. A
    /// duration, "30s" by default; "0s" for a gateway that allows no more than 'ttl' from 'iat' to
    /// 'exp'.
    #[serde(default)]
    leeway: Leeway,
    /// Whether the claim 'nbf' is set, for a gateway that requires it.
    #[serde(default)]
    not_before: bool,
    /// Further claims; none of the registered ones.
    #[serde(default)]
    claims: serde_json::Map<String, serde_json::Value>,
}

/// A signature algorithm (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum SigningAlgorithm {
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
    Es512,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// The name in a JWT's header.
impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        })
    }
}

impl SigningAlgorithm {
    /// Whether the key is a shared secret.
    pub(crate) fn is_hmac(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

/// A JWT that Claviger signs itself (RFC 7519).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JwtConfig {
    /// JWS algorithm (RFC 7518, RFC 8037).
    pub(crate) algorithm: SigningAlgorithm,
    /// PEM for the asymmetric algorithms, the bytes themselves for HS*.
    pub(crate) key: SecretRef,
    /// The password of an encrypted PEM key.
    pub(crate) key_password: Option<SecretRef>,
    /// `kid` in the header.
    pub(crate) key_id: Option<String>,
    /// `iss`.
    pub(crate) issuer: Option<String>,
    /// `sub`.
    pub(crate) subject: Option<Template>,
    /// `aud`.
    pub(crate) audience: Option<Audience>,
    /// From now to `exp`.
    pub(crate) ttl: Duration,
    /// From `iat` to now.
    pub(crate) leeway: Duration,
    /// Whether `nbf` is set, to `iat`.
    pub(crate) not_before: bool,
    /// Further claims; none of the registered ones.
    pub(crate) claims: serde_json::Map<String, serde_json::Value>,
}

impl JwtKeys {
    /// Makes the configuration, unless a rule between keys is broken.
    pub(super) fn validate(self, validator: &mut Validator) -> Option<JwtConfig> {
        let key = validator.secret("key", self.key_file, self.key_env);
        if self.algorithm.is_hmac() {
            for (key, is_set) in [
                ("key_password_file", self.key_password_file.is_some()),
                ("key_password_env", self.key_password_env.is_some()),
            ] {
                if is_set {
                    validator.error(key, "the key of HS256, HS384 and HS512 has no password");
                }
            }
        }
        let key_password = validator.optional_secret(
            "key_password",
            self.key_password_file,
            self.key_password_env,
        );
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
            key_password: key_password?,
            key_id: self.key_id,
            issuer: self.issuer,
            subject: self.subject,
            audience: self.audience,
            ttl: self.ttl.map_or(DEFAULT_TTL, Ttl::get),
            leeway: self.leeway.get(),
            not_before: self.not_before,
            claims: self.claims,
        })
    }
}
