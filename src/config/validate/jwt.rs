//! `type = "jwt"`.

use std::time::Duration;

use jsonwebtoken::Algorithm;

use super::{
    super::{duration, model::JwtConfig, raw},
    Scope, TTL,
};

/// An hour is what a developer does not notice and a thief cannot do much with.
const DEFAULT_TTL: Duration = Duration::from_secs(3600);

/// The registered claims (RFC 7519, 4.1) and where each one comes from.
const REGISTERED: [(&str, &str); 7] = [
    ("iss", "'issuer'"),
    ("sub", "'subject'"),
    ("aud", "'audience'"),
    ("exp", "'ttl'"),
    ("nbf", "the clock"),
    ("iat", "the clock"),
    ("jti", "chance"),
];

/// `[source.NAME]`.
pub(super) fn jwt(scope: &mut Scope, raw: raw::Jwt) -> Option<JwtConfig> {
    let key = scope.secret("key", raw.key_file, raw.key_env);
    let subject = match raw.subject {
        Some(text) => scope.template("subject", &text).map(Some),
        None => Some(None),
    };
    let ttl = raw
        .ttl
        .map_or(Ok(DEFAULT_TTL), |text| duration::parse(&text, &TTL));
    let ttl = scope.keep("ttl", ttl);
    scope.within("claims", |scope| {
        for (claim, origin) in REGISTERED {
            if raw.claims.contains_key(claim) {
                scope.refuse(
                    claim,
                    &format!("is a registered claim, which comes from {origin}"),
                );
            }
        }
    });
    Some(JwtConfig {
        algorithm: algorithm(raw.algorithm),
        key: key?,
        key_id: raw.key_id,
        issuer: raw.issuer,
        subject: subject?,
        audience: raw.audience,
        ttl: ttl?,
        claims: raw.claims,
    })
}

fn algorithm(raw: raw::Algorithm) -> Algorithm {
    match raw {
        raw::Algorithm::Hs256 => Algorithm::HS256,
        raw::Algorithm::Hs384 => Algorithm::HS384,
        raw::Algorithm::Hs512 => Algorithm::HS512,
        raw::Algorithm::Rs256 => Algorithm::RS256,
        raw::Algorithm::Rs384 => Algorithm::RS384,
        raw::Algorithm::Rs512 => Algorithm::RS512,
        raw::Algorithm::Ps256 => Algorithm::PS256,
        raw::Algorithm::Ps384 => Algorithm::PS384,
        raw::Algorithm::Ps512 => Algorithm::PS512,
        raw::Algorithm::Es256 => Algorithm::ES256,
        raw::Algorithm::Es384 => Algorithm::ES384,
        raw::Algorithm::EdDsa => Algorithm::EdDSA,
    }
}
