//! The system's secret store: one file for each system.

#[cfg(any(windows, test))]
mod chunks;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

use std::sync::Arc;

use super::SecretStore;
#[cfg(target_os = "linux")]
use crate::paths;

/// The hint for a machine without a secret store that Claviger can use, after what helps there.
#[cfg(any(target_os = "linux", target_os = "macos"))]
const OR_FILE: &str = "or ask your administrator to configure store = \"file\"";

/// Returns the store. Nothing is connected yet.
pub(super) fn open() -> Arc<dyn SecretStore> {
    #[cfg(target_os = "linux")]
    return Arc::new(linux::SecretService::new(paths::session_bus()));
    #[cfg(target_os = "macos")]
    return Arc::new(macos::Keychain);
    #[cfg(windows)]
    return Arc::new(windows::CredentialManager::default());
}
