//! Clients that act for themselves: no user.

use serde_json::json;

use crate::support::{
    TestEnv,
    identity_provider::{CLIENT_SECRET, CONFIDENTIAL_CLIENT, Fault, Target},
    jwt::claims,
    oidc_provider::{OidcProvider, OidcProviderOptions, private_key_client},
};

const TOKENS: Target = Target::Grant("client_credentials");

fn config(issuer: &str, client: &str, more: &str) -> String {
    format!(
        "[profile.default]\nsource = \"ci\"\n[source.ci]\ntype = \"oauth\"\nissuer = \"{issuer}\"\n\
         client_id = \"{client}\"\nflow = \"client-credentials\"\n{more}\n"
    )
}

#[tokio::test]
async fn a_client_secret_gives_a_token_for_the_resource() {
    let provider = OidcProvider::start().await;
    let env = TestEnv::new();
    let secret = env.write_secret_file("client-secret", CLIENT_SECRET);
    let more =
        format!("client_secret_file = \"{secret}\"\nresource = \"https://gateway.example.com\"");
    env.write_config(&config(provider.issuer(), CONFIDENTIAL_CLIENT, &more));
    let key = env.helper().await;
    let key = key.succeeded().trim_end().to_owned();
    env.add_secret(&key);
    assert_eq!(claims(&key)["aud"], "https://gateway.example.com");
    assert_eq!(claims(&key)["client_id"], CONFIDENTIAL_CLIENT);
    let request = &provider.front.requests_to(TOKENS)[0];
    assert!(request.headers.contains_key("authorization"));
    assert!(!request.form.contains_key("client_secret"));
    let login = env.claviger(&["login"]).await;
    login.failed(2, &["needs no login"]);
}

#[tokio::test]
async fn a_wrong_secret_is_the_configurations_fault() {
    let provider = OidcProvider::start().await;
    let env = TestEnv::new();
    let secret = env.write_secret_file("client-secret", "canary-wrong-secret-99");
    let more = format!("client_secret_file = \"{secret}\"");
    env.write_config(&config(provider.issuer(), CONFIDENTIAL_CLIENT, &more));
    let failed = env.helper().await;
    assert!(failed.stderr.contains("invalid_client"), "{failed:?}");
    assert!(failed.stderr.contains("hint: "), "{failed:?}");
}

/// The key's algorithm decides; the header names the key and the certificate.
#[tokio::test]
async fn a_signed_assertion_gives_a_token() {
    for algorithm in ["ES256", "RS256"] {
        let client = super::client_key::ClientKey::new(algorithm);
        let options = OidcProviderOptions {
            clients: vec![private_key_client("ci", algorithm, &client.jwks())],
            ..OidcProviderOptions::default()
        };
        let provider = OidcProvider::start_with(options).await;
        let env = TestEnv::new();
        let key = env.write_secret_file("client.pem", &client.private_pem());
        let certificate = env.write_file("client.crt", &client.certificate_pem());
        let more = format!(
            "key_file = \"{key}\"\nkey_id = \"{}\"\ncert_file = \"{certificate}\"",
            client.key_id()
        );
        env.write_config(&config(provider.issuer(), "ci", &more));
        let output = env.helper().await;
        env.add_secret(output.succeeded());
        let form = &provider.front.requests_to(TOKENS)[0].form;
        let assertion = &form["client_assertion"];
        env.add_secret(assertion);
        let header = jsonwebtoken::decode_header(assertion).unwrap();
        assert_eq!(header.kid.as_deref(), Some(client.key_id()));
        assert_eq!(header.x5t_s256, Some(client.thumbprint()), "{algorithm}");
        let claims = claims(assertion);
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&json!("ci"), &json!("ci"))
        );
        assert!(claims["jti"].is_string(), "{claims}");
    }
}

#[tokio::test]
async fn an_outage_is_no_refusal() {
    let provider = OidcProvider::start().await;
    let env = TestEnv::new();
    let secret = env.write_secret_file("client-secret", CLIENT_SECRET);
    let more = format!("client_secret_file = \"{secret}\"");
    env.write_config(&config(provider.issuer(), CONFIDENTIAL_CLIENT, &more));
    for fault in [Fault::html(503), Fault::Close, Fault::empty(500)] {
        provider.front.fail_next(TOKENS, fault);
        env.claviger(&["refresh"]).await.failed(5, &[]);
    }
    env.claviger(&["refresh"]).await.succeeded();
    env.add_secret(&env.helper().await.stdout);
}
