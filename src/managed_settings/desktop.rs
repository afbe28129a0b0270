//! What Claude Desktop's managed configuration needs.
//!
//! The keys are documented at <https://claude.com/docs/third-party/claude-desktop/configuration>,
//! and not tried here, because the client does not exist for Linux. It reads every value as a
//! string, numbers too. Which models it offers is the company's choice (`inferenceModels`), unless
//! the gateway answers `GET /v1/models`.

use std::time::Duration;

use serde_json::json;

use super::{
    Client, Settings,
    helper::Helper,
    profile::{Profile, ProfileError},
};

/// How long Claude Desktop uses a key by itself.
const CACHED: Duration = Duration::from_secs(3600);

/// How long it waits for the shim, which answers within 15 s for this client. Its own default is
/// 60 s, during which it looks as if it hung.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The managed configuration for `profile`; `helper` is the link that needs no arguments.
///
/// # Errors
///
/// [`ProfileError::NotByDefault`].
pub(crate) fn managed(profile: &Profile<'_>, helper: &Helper) -> Result<Settings, ProfileError> {
    if !profile.is_selected_by_default() {
        return Err(ProfileError::NotByDefault {
            profile: profile.name().to_owned(),
        });
    }
    let cached = profile.cache_lifetime(CACHED);
    let values = [
        ("inferenceProvider", "gateway".to_owned()),
        ("inferenceGatewayBaseUrl", profile.base_url().to_owned()),
        ("inferenceCredentialKind", "helper-script".to_owned()),
        ("inferenceCredentialHelper", helper.path().to_owned()),
        (
            "inferenceCredentialHelperTtlSec",
            cached.time.as_secs().to_string(),
        ),
        (
            "inferenceCredentialHelperTimeoutSec",
            TIMEOUT.as_secs().to_string(),
        ),
    ];
    let plain = (!profile.base_url().starts_with("https://")).then(|| {
        let name = profile.name();
        format!("Claude Desktop accepts only an 'https' gateway, and that of '{name}' is another")
    });
    Ok(Settings {
        client: Client::ClaudeDesktop,
        profile: profile.name().to_owned(),
        values: values
            .into_iter()
            .map(|(key, value)| (key.to_owned(), json!(value)))
            .collect(),
        warnings: plain
            .into_iter()
            .chain(cached.warning(profile.name()))
            .collect(),
    })
}
