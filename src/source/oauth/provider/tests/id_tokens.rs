use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};

use super::*;

/// A signing key with the identifier `id`.
struct Key {
    id: &'static str,
    private: EncodingKey,
}

impl Key {
    fn new(id: &'static str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        Self {
            id,
            private: EncodingKey::from_ec_der(&pair.serialize_der()),
        }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn sign(&self, claims: &Value) -> Secret {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.to_owned());
        Secret::new(encode(&header, claims, &self.private).unwrap())
    }
}

fn now() -> i64 {
    clock().now().wall.as_second()
}

fn claims(server: &FakeServer) -> Value {
    json!({
        "iss": server.base, "aud": "cli", "sub": "ada", "nonce": "n-1",
        "iat": now(), "exp": now() + 300, "hd": "example.com", "groups": ["eng", "ops"],
    })
}

fn changed(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

/// A server whose key sets, one after the other, are `sets`; the last one stays. Its answers have
/// the date `date`.
async fn server_with(sets: Vec<Value>, date: Option<&'static str>) -> FakeServer {
    FakeServer::start(move |request, before| match request.line.as_str() {
        OPENID => match date {
            Some(date) => Reply::Response(200, date, document().to_string()),
            None => json_of(200, &document()),
        },
        _ => {
            let set = sets.get(before).or(sets.last()).unwrap();
            let body = json!({ "keys": set }).to_string();
            Reply::Response(200, date.unwrap_or("x: y"), body)
        }
    })
    .await
}

fn message(error: &SourceError) -> String {
    match error {
        SourceError::Configuration { reason, hint } => format!("{reason}; {hint}"),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn every_claim_is_checked_and_named() {
    let key = Key::new("k1");
    let others =
        json!([{ "kty": "oct", "kid": "k1", "k": "AAAA" }, { "kty": "future" }, key.public()]);
    let server = server_with(vec![others], None).await;
    let mut config = server.config();
    config.required_claims = [("hd", "example.com"), ("groups", "eng")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let provider = provider(&config);
    let nonce = secret("n-1");
    for changes in [
        json!({}),
        json!({ "aud": ["cli"] }),
        json!({ "aud": ["cli", "api"], "azp": "cli" }),
        json!({ "iat": now() + 299 }),
        json!({ "iat": now() - 600, "exp": now() - 299 }),
    ] {
        let token = key.sign(&changed(claims(&server), changes.clone()));
        let verified = provider.verify(&token, Some(&nonce)).await;
        assert_eq!(verified.unwrap()["sub"], "ada", "{changes}");
    }
    let slash = format!("'{}/', expected '{}'", server.base, server.base);
    for (changes, expected) in [
        (
            json!({ "iss": format!("{}/", server.base) }),
            slash.as_str(),
        ),
        (json!({ "iss": null }), "'iss' of the ID token is missing"),
        (
            json!({ "aud": "api" }),
            "'aud' of the ID token is 'api', expected 'cli'",
        ),
        (json!({ "aud": ["api"] }), "is '[\"api\"]', expected 'cli'"),
        (json!({ "aud": null }), "'aud' of the ID token is missing"),
        (
            json!({ "aud": ["cli", "api"] }),
            "'azp' of the ID token is missing",
        ),
        (
            json!({ "azp": "api" }),
            "'azp' of the ID token is 'api', expected 'cli'",
        ),
        (json!({ "nonce": "n-2" }), "'nonce'"),
        (json!({ "nonce": null }), "'nonce'"),
        (json!({ "exp": null }), "lacks a valid claim 'exp'"),
        (json!({ "iat": "now" }), "lacks a valid claim 'iat'"),
        (
            json!({ "hd": "evil.test" }),
            "'hd' is 'evil.test', and the configuration requires 'example.com'",
        ),
        (json!({ "hd": null }), "'hd' is missing"),
        (json!({ "groups": ["ops"] }), "'groups' is"),
    ] {
        let token = key.sign(&changed(claims(&server), changes.clone()));
        let error = provider.verify(&token, Some(&nonce)).await.unwrap_err();
        assert!(message(&error).contains(expected), "{changes}: {error}");
        assert!(!error.is_final());
    }
}

#[tokio::test]
async fn only_a_signature_by_the_servers_key_counts() {
    let (key, other) = (Key::new("k1"), Key::new("k1"));
    let server = server_with(vec![json!([key.public()])], None).await;
    let provider = server.provider();
    let claims = claims(&server);
    let parts = |header: &Value, signature: &str| {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        secret(&format!(
            "{}.{}.{signature}",
            encode(header),
            encode(&claims)
        ))
    };
    let hmac = encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(b"cli"),
    );
    for (token, expected) in [
        (
            other.sign(&claims),
            "the signature of the ID token is invalid",
        ),
        (
            parts(&json!({ "alg": "none" }), ""),
            "no JWT with a signature",
        ),
        (
            parts(&json!({ "alg": "ES512" }), "AAAA"),
            "no JWT with a signature",
        ),
        (
            parts(&json!({ "alg": "RS256", "kid": "k1" }), "AAAA"),
            "lacks",
        ),
        (secret(&hmac.unwrap()), "signed with the client's secret"),
        (secret("opaque"), "no JWT"),
    ] {
        let error = provider.verify(&token, None).await.unwrap_err();
        assert!(message(&error).contains(expected), "{error}");
    }
    assert!(provider.verify(&key.sign(&claims), None).await.is_ok());
}

#[tokio::test]
async fn a_rotated_key_is_fetched_and_an_invented_one_at_most_once_a_minute() {
    let (old, new, invented) = (Key::new("k1"), Key::new("k2"), Key::new("k3"));
    let sets = vec![json!([old.public()]), json!([old.public(), new.public()])];
    let server = server_with(sets, None).await;
    let clock = clock();
    let provider = provider_at(&server.config(), clock.clone());
    let fetches = || {
        server
            .lines()
            .iter()
            .filter(|line| *line == "GET /jwks")
            .count()
    };
    let claims = claims(&server);
    for _ in 0..3 {
        provider.verify(&old.sign(&claims), None).await.unwrap();
    }
    assert_eq!(fetches(), 1);
    provider.verify(&new.sign(&claims), None).await.unwrap();
    assert_eq!(fetches(), 2);
    for _ in 0..3 {
        assert!(
            provider
                .verify(&invented.sign(&claims), None)
                .await
                .is_err()
        );
    }
    assert_eq!(fetches(), 2);
    clock.advance(Duration::from_secs(60));
    assert!(
        provider
            .verify(&invented.sign(&claims), None)
            .await
            .is_err()
    );
    assert_eq!(fetches(), 3);
}

#[tokio::test]
async fn a_clock_that_is_off_is_said_to_be() {
    let key = Key::new("k1");
    for (seconds, date, expected) in [
        // By the header.
        (
            3600,
            Some("date: Thu, 01 Jan 2026 01:00:00 GMT"),
            "1h behind",
        ),
        (
            -7200,
            Some("date: Wed, 31 Dec 2025 22:00:00 GMT"),
            "2h ahead of",
        ),
        // By the token alone.
        (3600, None, "1h behind"),
    ] {
        let server = server_with(vec![json!([key.public()])], date).await;
        let issued = now() + seconds;
        let claims = changed(
            claims(&server),
            json!({ "iat": issued, "exp": issued + 300 }),
        );
        let error = server
            .provider()
            .verify(&key.sign(&claims), None)
            .await
            .unwrap_err();
        let message = message(&error);
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("set this machine's clock"), "{message}");
    }
    // An old token, from a server whose clock is right.
    let server = server_with(
        vec![json!([key.public()])],
        Some("date: Thu, 01 Jan 2026 00:00:00 GMT"),
    )
    .await;
    let old = changed(
        claims(&server),
        json!({ "iat": now() - 3600, "exp": now() - 3000 }),
    );
    let error = server
        .provider()
        .verify(&key.sign(&old), None)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("valid from 2025-12-31T23:00:00Z"),
        "{error}"
    );
}
