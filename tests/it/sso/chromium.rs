//! Sign-in by Debian's Chromium, as a user sees it.

use std::fs;

use super::fixture::Sso;
use crate::support::{
    chromium::{ColorScheme, screenshots, sign_in},
    login_command::{LoginCommand, parameter},
};

/// The screenshots are `claviger-light-end.png` and `claviger-dark-end.png`.
#[tokio::test]
async fn the_page_has_the_browsers_colours_and_nothing_of_other_hosts() {
    let sso = Sso::start().await;
    let mut images = Vec::new();
    for (name, scheme) in [
        ("claviger-light", ColorScheme::Light),
        ("claviger-dark", ColorScheme::Dark),
    ] {
        let mut login = LoginCommand::start(&sso.env, &["--no-browser", "--force"]);
        let url = login.page().await;
        let redirect = parameter(&url, "redirect_uri").unwrap();
        let session = sign_in(name, scheme, &url, &redirect).await;
        login.end().await.signed_in();
        for part in ["signed in", "ana.sousa", "close this tab"] {
            assert!(
                session.text.contains(part),
                "{part:?} is not in {session:?}"
            );
        }
        for request in &session.requests {
            assert!(request.starts_with("http://127.0.0.1:"), "{request}");
        }
        assert!(session.requests.contains(&session.url), "{session:?}");
        images.push(fs::read(screenshots().join(format!("{name}-end.png"))).unwrap());
    }
    assert_ne!(images[0], images[1]);
    sso.key().await;
}
