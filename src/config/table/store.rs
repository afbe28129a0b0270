//! `store`, in a source with a login.

use schemars::JsonSchema;
use serde::Deserialize;

/// The store that the secret of a login rests in between runs of the daemon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StoreKind {
    /// The system's secret store: the Secret Service, the macOS Keychain, the Windows Credential
    /// Manager.
    #[default]
    System,
    /// A sealed file in the daemon's state directory, which the user's other programs can open.
    File,
    /// The daemon's memory: the login ends with the daemon.
    Memory,
}
