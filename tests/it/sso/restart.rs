//! A login outlives the daemon, and ends with a logout.

use rustix::process::Signal;

use super::fixture::{REFRESH, Sso, config};
use crate::support::{
    identity_provider::Target,
    login_command::{LoginCommand, sign_in},
    oidc_provider::OidcProviderOptions,
    secret_service::{KEYRING_PASSWORD, SecretService},
};

const REVOKE: Target = Target::Path("/revoke");

/// Whatever ends the daemon, the next one has the login.
#[tokio::test]
async fn a_login_in_a_file_outlives_the_daemon() {
    let sso = Sso::start().await;
    sso.sign_in().await;
    let mut key = sso.key().await;
    for signal in [Signal::TERM, Signal::KILL] {
        sso.env.kill_daemon(signal);
        let next = sso.key().await;
        assert_ne!(next, key);
        key = next;
        let profile = sso.status().await;
        assert_eq!(profile["login"]["name"], "ana.sousa", "{profile}");
    }
    assert_eq!(sso.refreshes(), 2);
}

#[tokio::test]
async fn a_login_in_memory_ends_with_the_daemon() {
    let sso = Sso::start_with(OidcProviderOptions::default(), "store = \"memory\"").await;
    sso.sign_in().await;
    sso.key().await;
    sso.env.kill_daemon(Signal::TERM);
    sso.env
        .helper()
        .await
        .failed(3, &["claviger login default"]);
}

#[tokio::test]
async fn a_login_in_the_secret_service_outlives_the_daemon() {
    let sso = Sso::start_with(OidcProviderOptions::default(), "store = \"system\"").await;
    sso.env.add_secret(KEYRING_PASSWORD);
    let service = SecretService::start(&sso.env.path("run")).await;
    let mut daemon = sso.env.start_daemon().await;
    sso.sign_in().await;
    sso.key().await;
    let items = service.items();
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!(items[0]["issuer"], sso.provider.issuer());
    daemon.kill().await.unwrap();
    let _daemon = sso.env.start_daemon().await;
    sso.key().await;
    assert_eq!(sso.refreshes(), 1);
    sso.env.claviger(&["logout"]).await;
    assert!(service.items().is_empty(), "{:?}", service.items());
}

/// The user is not sent to a browser for a login that could not be kept.
#[tokio::test]
async fn a_store_that_does_not_work_is_found_before_the_browser_opens() {
    let sso = Sso::start_with(OidcProviderOptions::default(), "store = \"system\"").await;
    let _daemon = sso.env.start_daemon().await;
    let without_bus = LoginCommand::start(&sso.env, &["--no-browser"]).end().await;
    assert_ne!(without_bus.code, Some(0));
    assert!(without_bus.stderr.contains("hint: "), "{without_bus:?}");
    let service = SecretService::start(&sso.env.path("run")).await;
    service.lock();
    let locked = LoginCommand::start(&sso.env, &["--no-browser"]).end().await;
    assert!(locked.stderr.contains("locked"), "{locked:?}");
    assert_eq!(
        sso.provider.front.count(Target::Path("/auth")),
        0,
        "no page was asked for"
    );
    // Never a silent step down.
    assert!(!sso.env.state_dir().join("logins").exists());
}

#[tokio::test]
async fn a_logout_revokes_and_forgets() {
    let sso = Sso::start().await;
    sso.sign_in().await;
    sso.key().await;
    let output = sso.env.claviger(&["logout"]).await;
    assert_eq!(output.code, Some(0), "{output:?}");
    let revoked = sso.provider.front.requests_to(REVOKE);
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].form["token_type_hint"], "refresh_token");
    sso.env
        .helper()
        .await
        .failed(3, &["claviger login default"]);
    sso.env.kill_daemon(Signal::TERM);
    sso.env
        .helper()
        .await
        .failed(3, &["claviger login default"]);
}

/// The sources of one issuer and client have separate logins.
#[tokio::test]
async fn two_sources_never_mix() {
    let sso = Sso::start().await;
    sso.env.edit_config(|config| {
        let other =
            config[config.find("[source.sso]").unwrap()..].replace("source.sso", "source.b");
        format!("{config}\n[profile.b]\nsource = \"b\"\n{other}")
    });
    sso.sign_in().await;
    sso.key().await;
    let b = sso.env.helper_with(&["--profile", "b"], &[]).await;
    b.failed(3, &["hint: run claviger login b"]);
    let (_, end) = sign_in(&sso.env, &["b"]).await;
    end.signed_in();
    sso.env.claviger(&["logout", "b"]).await;
    sso.env.kill_daemon(Signal::TERM);
    sso.key().await;
    let b = sso.env.helper_with(&["--profile", "b"], &[]).await;
    b.failed(3, &["hint: run claviger login b"]);
}

/// A configuration for another issuer does not use the login of this one.
#[tokio::test]
async fn two_issuers_never_mix() {
    let sso = Sso::start().await;
    sso.sign_in().await;
    sso.key().await;
    let other = Sso::start().await;
    sso.env
        .write_config(&config(other.provider.issuer(), "store = \"file\""));
    sso.env
        .helper()
        .await
        .failed(3, &["claviger login default"]);
    assert_eq!(other.provider.front.count(REFRESH), 0);
}
