//! The fuzz targets of authorization servers' responses.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, LazyLock},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::{
    discovery::Discovery,
    exchange::Answer,
    id_token::{self, Expected, LEEWAY},
    key_set,
    refusal::{self, Asked, Meaning},
    remedy, token_response,
};
use crate::{
    clock::ManualClock,
    config::{self, SourceConfig, is_loopback},
    credential::check_usable,
    hostile_input::{self, assert_one_line, assert_shown, canary},
    jwt_claims,
    network::RequestSecrets,
    secret::Secret,
    source::{
        SourceError,
        fuzzing::{assert_reported, assert_usable, now},
        oauth::server::{Claims, TokenError},
    },
};

const HOST: &str = "idp.test:443";
const ISSUER: &str = "https://idp.test/realms/eng";
const CLIENT: &str = "claviger";
const NONCE: &str = "n-0S6_WzA2Mj";

/// The discovery of a source whose issuer is [`ISSUER`].
static DISCOVERY: LazyLock<Discovery> = LazyLock::new(|| {
    let text = format!(
        "version = 1\nprofile.p.source = 's'\n[source.s]\ntype = 'oauth'\nissuer = '{ISSUER}'\n\
         client_id = '{CLIENT}'\n"
    );
    let parsed = config::parse(Path::new("/c.toml"), &text);
    let source = parsed
        .ok()
        .and_then(|mut config| config.sources.remove("s"));
    let Some(SourceConfig::Oauth(config)) = source else {
        unreachable!("the configuration is valid");
    };
    Discovery::new("s", &config, false, Arc::new(ManualClock::at(now().wall)))
});

/// The key that the server signs ID tokens with.
static KEY: LazyLock<(EncodingKey, DecodingKey)> = LazyLock::new(|| {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]);
    let private = key.as_ref().ok().and_then(|key| key.to_pkcs8().ok());
    let (Ok(key), Some(private)) = (key, private) else {
        unreachable!("every seed is a key");
    };
    (
        EncodingKey::from_ed_der(private.as_ref()),
        DecodingKey::from_ed_der(key.public_key().as_ref()),
    )
});

fn answer(status: u16, body: &[u8]) -> Answer {
    Answer {
        host: HOST.to_owned(),
        status,
        is_page: body.trim_ascii_start().starts_with(b"<"),
        body: Zeroizing::new(body.to_vec()),
        retry_after: None,
        secrets: RequestSecrets::from_iter([canary()]),
    }
}

/// The discovery document of an issuer.
pub fn discovery(data: &[u8]) {
    match DISCOVERY.of_answer(&answer(200, data), ISSUER) {
        None => {}
        Some(Err(error)) => assert_reported(&error),
        Some(Ok(metadata)) => {
            assert_eq!(metadata.issuer, ISSUER);
            let endpoints = [
                Some(&metadata.token_endpoint),
                metadata.authorization_endpoint.as_ref(),
                metadata.device_authorization_endpoint.as_ref(),
                metadata.revocation_endpoint.as_ref(),
                metadata.registration_endpoint.as_ref(),
                metadata.jwks_uri.as_ref(),
            ];
            for endpoint in endpoints.into_iter().flatten() {
                assert_encrypted(endpoint);
            }
        }
    }
}

#[track_caller]
fn assert_encrypted(url: &Url) {
    let is_here = url.scheme() == "http" && is_loopback(url);
    assert!(url.scheme() == "https" || is_here, "{url}");
}

/// A status, and the body of a response of the token or device authorization endpoint.
pub fn token_response(data: &[u8]) {
    let (status, body) = hostile_input::response(data);
    let answer = answer(status, body);
    if !refusal::is_success(&answer) {
        return refused(&answer);
    }
    match token_response::tokens(&answer, now()) {
        Ok(tokens) => {
            let all = [tokens.id_token, tokens.refresh_token];
            for token in all.iter().flatten().chain([&tokens.access_token]) {
                assert!(!token.expose().trim().is_empty());
                if check_usable(token).is_ok() {
                    assert_usable(token);
                }
                let _ = jwt_claims::expiry(token);
            }
            let lifetimes = [tokens.lifetime, tokens.refresh_lifetime];
            assert!(lifetimes.into_iter().flatten().all(|left| !left.is_zero()));
        }
        Err(error) => assert_reported(&error),
    }
    match token_response::device_code(&answer, now(), false) {
        Ok(code) => {
            assert!(!code.user_code.is_empty() && !code.interval.is_zero());
            assert_shown(&code.user_code);
            let pages = code.verification_uri_complete.iter();
            for page in pages.chain([&code.verification_uri]) {
                let url = Url::parse(page);
                assert!(url.is_ok(), "{page}");
                url.iter().for_each(assert_encrypted);
            }
        }
        Err(error) => assert_reported(&error),
    }
}

/// What an answer that is not a success means.
fn refused(answer: &Answer) {
    for (has_grant, is_confidential) in [(true, true), (true, false), (false, false)] {
        let asked = Asked {
            has_grant,
            is_confidential,
        };
        let error = match asked.meaning(answer) {
            Meaning::Error(error) => error,
            Meaning::Unexplained { error, otherwise } => {
                assert!(has_grant && answer.is_empty());
                assert_reported(&otherwise);
                error
            }
        };
        match error {
            TokenError::Refused {
                code, description, ..
            } => {
                assert!(answer.status < 500);
                assert_shown(&code);
                remedy::remedy(&code);
                assert_shown(description.as_deref().unwrap_or_default());
            }
            TokenError::Lost(error) => unreachable!("there is an answer: {error}"),
            TokenError::Other(error) => assert_reported(&error),
        }
    }
}

/// The claims of an ID token, which the server signs; or else a token, and from the second line on
/// a key set.
pub fn id_token(data: &[u8]) {
    if let Ok(Value::Object(claims)) = serde_json::from_slice(data) {
        let header = Header::new(Algorithm::EdDSA);
        if let Ok(token) = jsonwebtoken::encode(&header, &claims, &KEY.0) {
            verify(&Secret::new(token), std::slice::from_ref(&KEY.1));
        }
        return;
    }
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let token = lines.next().and_then(|line| str::from_utf8(line).ok());
    let token = Secret::new(token.unwrap_or_default().to_owned());
    let Ok((algorithm, key_id)) = header(&token) else {
        return;
    };
    let keys = key_set::parse(lines.next().unwrap_or_default()).unwrap_or_default();
    let keys = key_set::matching(&keys, key_id.as_deref(), algorithm);
    let is_signed = verify(&token, &keys);
    assert!(!is_signed || !keys.is_empty());
}

fn header(token: &Secret) -> Result<(Algorithm, Option<String>), ()> {
    id_token::header(token, HOST).map_err(|error| assert_hidden(token, &error))
}

/// Asserts what holds for a message about a token: its claims, which are no secrets, are shown.
fn assert_hidden(token: &Secret, error: &SourceError) {
    let message = error.to_string();
    assert_one_line(&message);
    let token = token.expose();
    assert!(token.len() < 12 || !message.contains(token), "{message}");
}

/// Verifies `token`, and checks the claims if it is accepted.
fn verify(token: &Secret, keys: &[DecodingKey]) -> bool {
    let Ok((algorithm, _)) = header(token) else {
        return false;
    };
    let nonce = Secret::new(NONCE.to_owned());
    let groups = BTreeMap::from([("groups".to_owned(), "eng".to_owned())]);
    let now = now().wall;
    let expected = Expected {
        host: HOST,
        issuer: ISSUER,
        client_id: CLIENT,
        nonce: Some(&nonce),
        claims: &groups,
        now,
        clock_offset: None,
    };
    match expected.verify(token, algorithm, keys) {
        Ok(claims) => {
            assert_own(&claims);
            true
        }
        Err(error) => {
            assert_hidden(token, &error);
            false
        }
    }
}

/// Asserts that the claims are of this client and of now, in the simplest form of each rule.
fn assert_own(claims: &Claims) {
    let has = |name: &str, text: &str| match &claims[name] {
        Value::Array(all) => all.iter().any(|one| one == text),
        one => one == text,
    };
    assert!(claims["iss"] == ISSUER && has("aud", CLIENT));
    assert!(claims["nonce"] == NONCE && has("groups", "eng"));
    let seconds = |name: &str| claims[name].as_f64().unwrap_or(f64::NAN);
    let (now, leeway) = (now().wall.as_second() as f64, LEEWAY.as_secs_f64() + 1.0);
    assert!(seconds("exp") >= now - leeway && seconds("iat") <= now + leeway);
}
