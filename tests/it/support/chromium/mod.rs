//! Debian's Chromium, headless, at oidc-provider's login page.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use super::{
    identity_provider::{PASSWORD, USER},
    node::node,
    poll::SOON,
};

/// What the user prefers, in the browser's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColorScheme {
    Light,
    Dark,
}

/// How a sign-in ended.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct BrowserSession {
    /// The URL of the last page.
    pub(crate) url: String,
    /// The text of the last page.
    pub(crate) text: String,
    /// Every URL that a page has requested.
    pub(crate) requests: Vec<String>,
}

/// Opens an authorization URL and signs in as [`USER`]; ends at a page whose URL starts with
/// `redirect`. Keeps the screenshots `NAME-login.png` and `NAME-end.png`, see [`screenshots`].
pub(crate) async fn sign_in(
    name: &str,
    scheme: ColorScheme,
    authorization_url: &str,
    redirect: &str,
) -> BrowserSession {
    let directory = TempDir::new().unwrap();
    let script = include_str!("browser.mjs");
    fs::write(directory.path().join("browser.mjs"), script).unwrap();
    fs::create_dir_all(screenshots()).unwrap();
    let options = json!({
        "url": authorization_url,
        "redirect": redirect,
        "user": USER,
        "password": PASSWORD,
        "scheme": match scheme {
            ColorScheme::Light => "light",
            ColorScheme::Dark => "dark",
        },
        "screenshots": screenshots().join(name),
        "timeout": SOON.as_millis(),
    });
    let mut browser = Command::from(node(directory.path()));
    browser
        .arg("browser.mjs")
        .arg(options.to_string())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let output = browser.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The directory of the screenshots, which outlive the tests.
pub(crate) fn screenshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots")
}
