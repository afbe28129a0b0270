//! Answers of an identity provider that are wrong, each with its own behaviour.

use super::fixture::{REFRESH, Sso, config};
use crate::support::{
    TestEnv,
    identity_provider::{Fault, Person, Target},
    jwt::claims,
    login_command::{LoginCommand, parameter, sign_in},
    oidc_provider::{OidcProvider, OidcProviderOptions},
    poll::{SOON, until},
    tls::Ca,
};

const DISCOVERY: Target = Target::Path("/openid-configuration");
const CODES: Target = Target::Grant("authorization_code");

async fn failed_login(sso: &Sso) -> String {
    let (_, end) = sign_in(&sso.env, &[]).await;
    assert_ne!(end.code, Some(0), "{end:?}");
    assert!(end.stderr.contains("hint: "), "{end:?}");
    end.stderr
}

#[tokio::test]
async fn the_issuer_is_compared_as_it_is_written() {
    let sso = Sso::start().await;
    let issuer = sso.provider.issuer().to_owned();
    sso.env
        .write_config(&config(&format!("{issuer}/"), "store = \"memory\""));
    let end = LoginCommand::start(&sso.env, &["--no-browser"]).end().await;
    end.failed(2, &[&format!("'{issuer}/'"), &format!("'{issuer}'")]);
}

/// A code of another server (RFC 9207): the redirect of this one has its `iss`.
#[tokio::test]
async fn a_redirect_of_another_issuer_is_foreign() {
    let sso = Sso::start().await;
    let mut login = LoginCommand::start(&sso.env, &["--no-browser"]);
    let url = login.page().await;
    let forged = format!(
        "{}?code=x&state={}&iss=https%3A%2F%2Fevil.example",
        parameter(&url, "redirect_uri").unwrap(),
        parameter(&url, "state").unwrap()
    );
    let mut person = Person::new();
    assert_eq!(person.open(&forged).await.status, 400);
    person.sign_in(&url).await;
    login.end().await.signed_in();
}

#[tokio::test]
async fn a_token_for_another_client_is_refused() {
    let sso = Sso::start().await;
    // An ID token of another sign-in: the nonce is another one.
    sso.provider.front.fail_next(
        CODES,
        Fault::body(
            200,
            "application/json",
            r#"{"access_token":"canary-opaque-1","token_type":"bearer","id_token":"e30.e30.e30"}"#,
        ),
    );
    let stderr = failed_login(&sso).await;
    assert!(
        stderr.contains("id_token") || stderr.contains("ID token"),
        "{stderr}"
    );
    sso.env
        .helper()
        .await
        .failed(3, &["claviger login default"]);
}

#[tokio::test]
async fn keys_that_were_rotated_are_fetched_again() {
    let sso = Sso::start().await;
    sso.sign_in().await;
    sso.provider.rotate_keys().await;
    let (_, end) = sign_in(&sso.env, &["--force"]).await;
    end.signed_in();
    assert_eq!(sso.provider.front.count(Target::Path("/jwks")), 2);
}

#[tokio::test]
async fn a_captive_portal_at_discovery_is_temporary() {
    let sso = Sso::start().await;
    sso.provider.front.fail_all(DISCOVERY, Fault::html(200));
    sso.provider.front.fail_all(
        Target::Path("/oauth-authorization-server"),
        Fault::html(200),
    );
    let end = LoginCommand::start(&sso.env, &["--no-browser"]).end().await;
    end.failed(5, &[]);
    sso.provider.front.pass_on();
    sso.sign_in().await;
}

/// An opaque token without `expires_in` is valid for the configured time.
#[tokio::test]
async fn a_token_without_an_expiry_has_the_configured_one() {
    let options = OidcProviderOptions {
        audience: None,
        ..OidcProviderOptions::default()
    };
    let sso = Sso::start_with(options, "store = \"memory\"\nttl = \"20m\"").await;
    sso.provider.front.fail_all(
        CODES,
        Fault::Replace("\"expires_in\":300,".to_owned(), String::new()),
    );
    let (_, end) = sign_in(&sso.env, &[]).await;
    end.signed_in();
    let output = sso.env.helper().await;
    sso.env.add_secret(output.succeeded());
    let profile = sso.status().await;
    let (issued, expires) = (&profile["issued_at"], &profile["expires_at"]);
    let seconds = |at: &serde_json::Value| {
        at.as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
            .as_second()
    };
    assert_eq!(seconds(expires) - seconds(issued), 1200, "{profile}");
}

#[tokio::test]
async fn the_id_token_can_be_the_credential() {
    let sso = Sso::start_with(
        OidcProviderOptions::default(),
        "store = \"memory\"\ntoken = \"id\"",
    )
    .await;
    sso.sign_in().await;
    let key = sso.key().await;
    assert_eq!(claims(&key)["preferred_username"], "ana.sousa");
    // A refresh brings another one; within the same second it has the same claims.
    until("another token", SOON, async || {
        sso.env.claviger(&["refresh"]).await.succeeded();
        sso.key().await != key
    })
    .await;
    assert!(sso.refreshes() >= 1);
}

#[tokio::test]
async fn a_claim_that_must_hold_keeps_other_organizations_out() {
    let sso = Sso::start_with(
        OidcProviderOptions::default(),
        "store = \"memory\"\nrequired_claims = { email = \"bob@example.com\" }",
    )
    .await;
    let stderr = failed_login(&sso).await;
    for part in ["email", "bob@example.com"] {
        assert!(stderr.contains(part), "{part:?} is not in {stderr}");
    }
}

#[tokio::test]
async fn a_ca_of_ones_own_is_trusted_if_configured() {
    let ca = Ca::new("the test");
    let provider = OidcProvider::start_with_tls(OidcProviderOptions::default(), &ca).await;
    let env = TestEnv::new();
    let file = env.write_file("ca.pem", &ca.pem);
    env.write_config(&config(provider.issuer(), "store = \"memory\""));
    let end = LoginCommand::start(&env, &["--no-browser"]).end().await;
    end.failed(5, &["ca_file"]);
    env.write_config(&config(
        provider.issuer(),
        &format!("store = \"memory\"\nca_file = \"{file}\""),
    ));
    let (_, end) = sign_in(&env, &[]).await;
    end.signed_in();
    env.add_secret(env.helper().await.succeeded());
}

#[tokio::test]
async fn a_refresh_without_an_id_token_is_named_if_that_is_the_credential() {
    let sso = Sso::start_with(
        OidcProviderOptions::default(),
        "store = \"memory\"\ntoken = \"id\"",
    )
    .await;
    sso.sign_in().await;
    let before = sso.key().await;
    sso.provider.front.fail_next(
        REFRESH,
        Fault::Replace("\"id_token\"".to_owned(), "\"other\"".to_owned()),
    );
    sso.env
        .claviger(&["refresh"])
        .await
        .failed(6, &["id_token"]);
    assert_eq!(sso.key().await, before);
    sso.env.claviger(&["refresh"]).await.succeeded();
}
