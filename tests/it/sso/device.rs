//! Sign-in with a code, on any device.

use super::fixture::{Sso, config};
use crate::support::{
    TestEnv,
    glewlwyd::Glewlwyd,
    identity_provider::{Fault, Person, Target},
    login_command::{LoginCommand, sign_in_by_device},
    oidc_provider::OidcProviderOptions,
};

const DEVICE: Target = Target::Grant("urn:ietf:params:oauth:grant-type:device_code");

#[tokio::test]
async fn a_code_is_approved() {
    let sso = Sso::start().await;
    let end = sign_in_by_device(&sso.env).await;
    assert_eq!(end.signed_in()["login"]["name"], "ana.sousa");
    sso.key().await;
}

#[tokio::test]
async fn a_denied_code_ends_the_login() {
    let sso = Sso::start().await;
    let mut login = LoginCommand::start(&sso.env, &["--device"]);
    let event = login.event("device").await;
    let url = event["verification_uri_complete"].as_str().unwrap();
    Person::new().deny_device(url).await;
    login.end().await.failed(3, &["access_denied"]);
}

#[tokio::test]
async fn an_expired_code_ends_the_login() {
    let options = OidcProviderOptions {
        device_code_ttl: 2,
        ..OidcProviderOptions::default()
    };
    let sso = Sso::start_with(options, "store = \"memory\"").await;
    let end = LoginCommand::start(&sso.env, &["--device"]).end().await;
    end.failed(3, &["expired", "hint: run claviger login"]);
}

/// An outage during the wait changes nothing.
#[tokio::test]
async fn the_wait_survives_failed_polls() {
    let sso = Sso::start().await;
    let front = &sso.provider.front;
    for fault in [Fault::html(502), Fault::Close] {
        front.fail_next(DEVICE, fault);
    }
    let end = sign_in_by_device(&sso.env).await;
    end.signed_in();
    assert!(front.count(DEVICE) >= 3);
}

#[tokio::test]
async fn glewlwyd_slows_down_and_is_obeyed() {
    let provider = Glewlwyd::start().await;
    let env = TestEnv::new();
    env.write_config(&config(&provider.issuer(), "store = \"memory\""));
    let end = sign_in_by_device(&env).await;
    end.signed_in();
    let key = env.helper().await;
    assert_eq!(key.code, Some(0), "{key:?}");
}

#[tokio::test]
async fn a_server_without_the_device_flow_is_named() {
    let options = OidcProviderOptions {
        device_flow: false,
        ..OidcProviderOptions::default()
    };
    let sso = Sso::start_with(options, "store = \"memory\"").await;
    let end = LoginCommand::start(&sso.env, &["--device"]).end().await;
    assert_ne!(end.code, Some(0));
    assert!(end.stderr.contains("device"), "{end:?}");
}
