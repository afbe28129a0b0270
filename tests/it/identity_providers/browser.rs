//! Chromium.

use std::fs;

use super::client::Client;
use crate::support::{
    chromium::{ColorScheme, screenshots, sign_in},
    oidc_provider::OidcProvider,
};

#[tokio::test]
async fn signs_in_and_keeps_screenshots() {
    let provider = OidcProvider::start().await;
    let client = Client::new(provider.issuer()).await;
    let url = client.authorization_url();
    let redirect = client.redirect();
    let mut images = Vec::new();
    for (name, scheme) in [("light", ColorScheme::Light), ("dark", ColorScheme::Dark)] {
        let session = sign_in(name, scheme, &url, &redirect).await;
        assert!(session.url.starts_with(&redirect), "{session:?}");
        assert_eq!(session.text, "signed in");
        assert!(session.requests.contains(&session.url), "{session:?}");
        images.push(fs::read(screenshots().join(format!("{name}-login.png"))).unwrap());
    }
    assert_ne!(images[0], images[1]);
}
