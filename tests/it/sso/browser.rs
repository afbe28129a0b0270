//! Sign-in in the browser.

use serde_json::Value;

use super::fixture::Sso;
use crate::support::{
    answers::fingerprint,
    identity_provider::{Person, Target},
    login_command::{LoginCommand, parameter, sign_in},
    oidc_provider::{OidcProviderOptions, exact_client},
    poll::{SOON, timed, until},
    tools::free_port,
};

const CODES: Target = Target::Grant("authorization_code");

#[tokio::test]
async fn one_sign_in_gives_a_key_and_the_identity() {
    let sso = Sso::start().await;
    // The shim never opens anything.
    sso.env
        .helper()
        .await
        .failed(3, &["'sso'", "hint: run claviger login default"]);
    assert_eq!(sso.provider.front.requests().len(), 0);

    let (page, end) = sign_in(&sso.env, &[]).await;
    let event = end.signed_in();
    assert_eq!(event["login"]["name"], "ana.sousa");
    assert_eq!(event["login"]["subject"], "ana");
    assert_eq!(event["already"], false);
    let key = sso.key().await;
    assert_eq!(event["key"]["fingerprint"], fingerprint(&key));
    // The sign-in brought the token that is served: no second request.
    assert_eq!((sso.provider.front.count(CODES), sso.refreshes()), (1, 0));
    for part in ["ana.sousa", "close this tab", "color-scheme: light dark"] {
        assert!(page.body.contains(part), "{part:?} is not in {page:?}");
    }
    assert!(!page.body.contains("<script"), "{page:?}");

    let profile = sso.status().await;
    assert_eq!(profile["state"], "ready");
    assert_eq!(profile["login"]["name"], "ana.sousa", "{profile}");
}

#[tokio::test]
async fn a_good_login_is_kept_unless_forced() {
    let sso = Sso::start().await;
    sso.sign_in().await;
    let end = LoginCommand::start(&sso.env, &["--no-browser"]).end().await;
    assert_eq!(end.signed_in()["already"], true);
    assert_eq!(sso.provider.front.count(CODES), 1);
    let (_, end) = sign_in(&sso.env, &["--force"]).await;
    assert_eq!(end.signed_in()["already"], false);
    assert_eq!(sso.provider.front.count(CODES), 2);
}

#[tokio::test]
async fn a_second_command_joins_and_reports_the_same() {
    let sso = Sso::start().await;
    let mut first = LoginCommand::start(&sso.env, &["--no-browser"]);
    let url = first.page().await;
    let mut second = LoginCommand::start(&sso.env, &["--no-browser"]);
    let started = second.event("started").await;
    assert_eq!(started["joined"], true);
    assert_eq!(second.page().await, url);
    Person::new().sign_in(&url).await;
    for end in [first.end().await, second.end().await] {
        assert_eq!(end.signed_in()["login"]["name"], "ana.sousa");
    }
    assert_eq!(sso.provider.front.count(CODES), 1);
}

/// What a browser or another program sends to the listener before the real callback.
#[tokio::test]
async fn foreign_requests_do_not_end_the_login() {
    let sso = Sso::start().await;
    let mut login = LoginCommand::start(&sso.env, &["--no-browser"]);
    let url = login.page().await;
    let redirect = parameter(&url, "redirect_uri").unwrap();
    let mut browser = Person::new();
    let origin = redirect.trim_end_matches("/callback");
    for (path, status) in [
        ("/favicon.ico", 404),
        ("/callback", 400),
        ("/callback?error=access_denied&state=forged", 400),
        ("/callback?code=forged&state=forged", 400),
        ("/callback?error=access_denied", 400),
    ] {
        let page = browser.open(&format!("{origin}{path}")).await;
        assert_eq!(page.status, status, "{page:?}");
    }
    let page = browser.sign_in(&url).await;
    assert_eq!(page.status, 200);
    login.end().await.signed_in();
    sso.key().await;
}

#[tokio::test]
async fn a_denial_ends_the_login_and_says_so_in_both_places() {
    let sso = Sso::start().await;
    let mut login = LoginCommand::start(&sso.env, &["--no-browser"]);
    let url = login.page().await;
    let page = Person::new().deny(&url).await;
    assert!(page.body.contains("failed"), "{page:?}");
    login.end().await.failed(3, &["access_denied", "hint: "]);
    sso.env
        .helper()
        .await
        .failed(3, &["claviger login default"]);
}

#[tokio::test]
async fn ctrl_c_leaves_nothing_half_done() {
    let port = free_port();
    let options = OidcProviderOptions {
        clients: vec![exact_client(&format!("http://127.0.0.1:{port}/callback"))],
        ..OidcProviderOptions::default()
    };
    let more = format!("store = \"memory\"\nredirect_port = {port}");
    let sso = Sso::start_with(options, &more).await;
    let mut login = LoginCommand::start(&sso.env, &["--no-browser"]);
    login.page().await;
    login.interrupt();
    assert_eq!(login.end().await.code, Some(130));
    // The port is free again, so that the next login gets it.
    until("the listener has ended", SOON, async || {
        tokio::net::TcpListener::bind(("127.0.0.1", port))
            .await
            .is_ok()
    })
    .await;
    sso.sign_in().await;
    sso.key().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let more = format!("store = \"memory\"\nredirect_port = {port}");
    let sso = Sso::start_with(OidcProviderOptions::default(), &more).await;
    let end = LoginCommand::start(&sso.env, &["--no-browser"]).end().await;
    assert_ne!(end.code, Some(0));
    assert!(end.stderr.contains(&port.to_string()), "{end:?}");
}

/// The program of `BROWSER`, which every desktop's opener respects.
#[tokio::test]
async fn the_system_browser_is_opened_with_the_page() {
    let sso = Sso::start().await;
    let file = sso.env.path("secrets/opened");
    let browser = sso
        .env
        .write_program("browser", &format!("echo \"$1\" >'{}'", file.display()));
    sso.env.set_variable("BROWSER", &browser);
    let mut login = LoginCommand::start(&sso.env, &[]);
    let url = login.page().await;
    let mut opened = String::new();
    until("the browser is started", SOON, async || {
        opened = std::fs::read_to_string(&file).unwrap_or_default();
        opened.ends_with('\n')
    })
    .await;
    assert_eq!(opened.trim_end(), url);
    Person::new().sign_in(&url).await;
    login.end().await.signed_in();
}

#[tokio::test]
async fn without_a_display_the_device_flow_is_used_and_said() {
    let sso = Sso::start().await;
    let mut login = LoginCommand::start(&sso.env, &[]);
    let fallback = login.event("fallback").await;
    assert_eq!(fallback["to"], "device");
    let device = login.event("device").await;
    let url = device["verification_uri_complete"].as_str().unwrap();
    Person::new().approve_device(url).await;
    let end = login.end().await;
    end.signed_in();
    assert!(end.stderr.contains("display"), "{end:?}");
}

#[tokio::test]
async fn a_login_in_the_same_place_as_another_user_changes_the_key() {
    let sso = Sso::start().await;
    sso.sign_in().await;
    let before = sso.key().await;
    let (_, end) = sign_in(&sso.env, &["--force"]).await;
    let (after, took) = timed(sso.key()).await;
    assert_ne!(after, before);
    assert!(took < SOON);
    assert_ne!(end.event["key"]["fingerprint"], Value::Null);
}
