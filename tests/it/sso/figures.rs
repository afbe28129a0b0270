//! What a login costs: the time to the first key, and the daemon's memory. `--nocapture` shows the
//! numbers.

use std::time::Duration;

use super::fixture::Sso;
use crate::support::{
    login_command::sign_in_by_device,
    oidc_provider::OidcProviderOptions,
    poll::timed,
    process::resident_memory,
    secret_service::{KEYRING_PASSWORD, SecretService},
};

/// The limit on a busy machine. The person takes no time.
const BROWSER_LIMIT: Duration = Duration::from_secs(10);

/// As [`BROWSER_LIMIT`]; the first poll is after 5 s (RFC 8628, section 3.5).
const DEVICE_LIMIT: Duration = Duration::from_secs(15);

/// What a login may add to the daemon's memory, in KiB: the code for HTTP, and the provider's
/// documents.
const MEMORY_LIMIT: usize = 16 * 1024;

#[tokio::test]
async fn the_first_key_follows_the_sign_in_at_once() {
    let sso = Sso::start().await;
    let (_, browser) = timed(async {
        sso.sign_in().await;
        sso.key().await
    })
    .await;
    let other = Sso::start().await;
    let (_, device) = timed(async {
        sign_in_by_device(&other.env).await.signed_in();
        other.key().await
    })
    .await;
    println!("from the sign-in to the first key: browser {browser:?}, device {device:?}");
    assert!(browser < BROWSER_LIMIT, "{browser:?}");
    assert!(device < DEVICE_LIMIT, "{device:?}");
}

#[tokio::test]
async fn a_login_costs_the_daemon_little_memory() {
    for store in ["memory", "file", "system"] {
        let more = format!("store = \"{store}\"");
        let sso = Sso::start_with(OidcProviderOptions::default(), &more).await;
        sso.env.add_secret(KEYRING_PASSWORD);
        let _service = SecretService::start(&sso.env.path("run")).await;
        let _daemon = sso.env.start_daemon().await;
        let memory = || resident_memory(sso.env.daemon_pid().unwrap());
        sso.status().await;
        let before = memory();
        sso.sign_in().await;
        sso.key().await;
        let after = memory();
        println!("store {store}: {before} KiB before the login, {after} KiB after it");
        assert!(after < before + MEMORY_LIMIT, "{store}: {before}, {after}");
    }
}
