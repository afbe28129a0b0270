//! The address of a Vault, parsed.

use std::path::{Path, PathBuf};

use url::{Host, Url};

use crate::config::VaultAddress;

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
    /// Whether the server is on this machine, so that no proxy is used.
    pub(super) is_local: bool,
    /// Whether the scheme is `https`.
    pub(super) is_tls: bool,
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
            is_local: is_loopback(url),
            is_tls: url.scheme() == "https",
        }
    }

    fn from_socket(path: &Path) -> Self {
        Self {
            // Go's servers accept any host name on a Unix socket.
            base: "http://localhost".to_owned(),
            prefix: String::new(),
            name: format!("unix:{}", path.display()),
            socket: Some(path.to_owned()),
            is_local: true,
            is_tls: false,
        }
    }
}

/// `host:port`, without the default port of the scheme.
pub(super) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        // RFC 6761, section 6.3.
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
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
        assert!(address.is_tls && !address.is_local);
        assert_eq!(of("https://vault.example.com").prefix, "");
    }

    #[test]
    fn loopback_addresses_are_local() {
        for local in ["http://127.0.0.2:1", "http://[::1]:1", "http://localhost:1"] {
            assert!(of(local).is_local, "{local}");
        }
        assert!(!of("http://127.0.0.1.example.com").is_local);
        let socket = Address::new(&VaultAddress::Unix("/run/vault.sock".into()));
        assert_eq!(socket.name, "unix:/run/vault.sock");
    }
}
