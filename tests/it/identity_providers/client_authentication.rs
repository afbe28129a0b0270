//! Clients that authenticate at oidc-provider: with a secret, or with a signed JWT.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use claviger::clock::{Clock as _, SystemClock};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::client::{Client, claims};
use crate::support::{
    identity_provider::{CLIENT_SECRET, CONFIDENTIAL_CLIENT, Target},
    jwt::SigningKey,
    oidc_provider::{OidcProvider, OidcProviderOptions, private_key_client},
};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn with_a_secret() {
    let provider = OidcProvider::start().await;
    let client = Client::new(provider.issuer()).await;
    for (secret, expected) in [(CLIENT_SECRET, 200), ("wrong", 401)] {
        let (status, tokens) = client
            .token_with_secret(CONFIDENTIAL_CLIENT, secret, &[GRANT])
            .await;
        assert_eq!(status, expected, "{tokens}");
    }
    for request in provider.front.requests_to(Target::Grant(GRANT.1)) {
        assert_eq!(request.method, "POST");
        let authorization = request.headers[AUTHORIZATION].to_str().unwrap();
        assert!(authorization.starts_with("Basic "));
    }
}

#[tokio::test]
async fn with_a_private_key() {
    let (key, other) = (SigningKey::new(), SigningKey::new());
    let provider = OidcProvider::start_with(OidcProviderOptions {
        clients: vec![private_key_client("robot", "EdDSA", &key_set(&key))],
        ..OidcProviderOptions::default()
    })
    .await;
    let client = Client::new(provider.issuer()).await;
    for (key, expected) in [(&key, 200), (&other, 401)] {
        let assertion = assertion(key, provider.issuer());
        let form = [
            GRANT,
            ("resource", "https://other.example.com"),
            ("client_assertion", &assertion),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
        ];
        let (status, tokens) = client.token_as("robot", &form).await;
        assert_eq!(status, expected, "{tokens}");
        if status == 200 {
            let access = claims(&tokens["access_token"]);
            assert_eq!(access["aud"], "https://other.example.com");
        }
    }
}

/// RFC 7523.
fn assertion(key: &SigningKey, audience: &str) -> String {
    let now = SystemClock.now().wall.as_second();
    key.sign(&json!({
        "iss": "robot",
        "sub": "robot",
        "aud": audience,
        "iat": now,
        "exp": now + 60,
        "jti": now.to_string(),
    }))
}

/// A key set with the public key (RFC 8037).
fn key_set(key: &SigningKey) -> Value {
    let spki = pem::parse(key.public_pem()).unwrap();
    let (_, point) = spki.contents().split_last_chunk::<32>().unwrap();
    let x = URL_SAFE_NO_PAD.encode(point);
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": x}]})
}
