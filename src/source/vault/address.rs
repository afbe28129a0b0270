//! Where Vault is: how it is reached and how a message calls it.

use std::path::{Path, PathBuf};

use url::{Host, Url};

use crate::config::VaultAddress;

/// A Vault's address, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// Scheme, host and port, without a path: vaultrs puts `v1` in front of whatever path there is.
    pub(super) base: String,
    /// What stands before `/v1` in a reverse proxy's address; empty, or with a slash in front and none at its end.
    pub(super) prefix: String,
    /// Host and port, or `unix:` and the path.
    pub(super) name: String,
    /// The listener's path.
    pub(super) socket: Option<PathBuf>,
    /// This machine: no proxy is asked.
    pub(super) is_local: bool,
    /// Whether there is TLS.
    pub(super) is_tls: bool,
}

impl Address {
    pub(super) fn new(address: &VaultAddress) -> Self {
        match address {
            VaultAddress::Url(url) => Self::of_url(url),
            VaultAddress::Unix(path) => Self::of_socket(path),
        }
    }

    fn of_url(url: &Url) -> Self {
        Self {
            base: url.origin().ascii_serialization(),
            prefix: url.path().trim_end_matches('/').to_owned(),
            name: host_and_port(url),
            socket: None,
            is_local: is_loopback(url),
            is_tls: url.scheme() == "https",
        }
    }

    fn of_socket(path: &Path) -> Self {
        Self {
            // Go's servers take any host name on a unix listener.
            base: "http://localhost".to_owned(),
            prefix: String::new(),
            name: format!("unix:{}", path.display()),
            socket: Some(path.to_owned()),
            is_local: true,
            is_tls: false,
        }
    }
}

/// `host:port`; the scheme's own port is left out.
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
    fn is_taken_apart() {
        let address = of("https://vault.example.com:8200/behind/proxy/");
        assert_eq!(address.base, "https://vault.example.com:8200");
        assert_eq!(address.prefix, "/behind/proxy");
        assert_eq!(address.name, "vault.example.com:8200");
        assert!(address.is_tls && !address.is_local);
        assert_eq!(of("https://vault.example.com").prefix, "");
    }

    #[test]
    fn this_machine_is_known() {
        for local in ["http://127.0.0.2:1", "http://[::1]:1", "http://localhost:1"] {
            assert!(of(local).is_local, "{local}");
        }
        assert!(!of("http://127.0.0.1.example.com").is_local);
        let socket = Address::new(&VaultAddress::Unix("/run/vault.sock".into()));
        assert_eq!(socket.name, "unix:/run/vault.sock");
    }
}
