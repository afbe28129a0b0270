//! The address of a Vault, parsed.

use std::path::{Path, PathBuf};

use url::Url;

use crate::config::{VaultAddress, host_and_port};

/// The parts of a Vault's address.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// Scheme, host and port, without a path: vaultrs inserts `v1` before any path.
    pub(super) base: String,
    /// The path before `/v1`, for a reverse proxy: empty, or with a leading and without a trailing
    /// slash.
    pub(super) prefix: String,
    /// For messages: host and port, or `unix:` and the path.
    pub(super) name: String,
    /// The path of a Unix socket.
    pub(super) socket: Option<PathBuf>,
}

impl Address {
    pub(super) fn new(address: &VaultAddress) -> Self {
        match address {
            VaultAddress::Url(url) => Self::from_url(url),
            VaultAddress::Unix(path) => Self::from_socket(path),
        }
    }

    fn from_url(url: &Url) -> Self {
        Self {
            base: url.origin().ascii_serialization(),
            prefix: url.path().trim_end_matches('/').to_owned(),
            name: host_and_port(url),
            socket: None,
        }
    }

    fn from_socket(path: &Path) -> Self {
        Self {
            // Go's servers accept any host name on a Unix socket.
            base: "http://localhost".to_owned(),
            prefix: String::new(),
            name: format!("unix:{}", path.display()),
            socket: Some(path.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Address {
        Address::new(&VaultAddress::Url(url.parse().unwrap()))
    }

    #[test]
    fn a_url_is_split_into_its_parts() {
        let address = of("https://vault.example.com:8200/behind/proxy/");
        assert_eq!(address.base, "https://vault.example.com:8200");
        assert_eq!(address.prefix, "/behind/proxy");
        assert_eq!(address.name, "vault.example.com:8200");
        assert_eq!(of("https://vault.example.com").prefix, "");
    }

    #[test]
    fn a_socket_is_named_by_its_path() {
        let socket = Address::new(&VaultAddress::Unix("/run/vault.sock".into()));
        assert_eq!(socket.name, "unix:/run/vault.sock");
    }
}
