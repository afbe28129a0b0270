//! Hosts: which ones are this machine, and patterns for the others.

use std::{net::IpAddr, str::FromStr};

use url::{Host, Url};

use super::text_format::TextFormat;

/// `host:port`, without the default port of the scheme.
pub(crate) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether the host of `url` is this machine by its name or address alone.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match host_of(url) {
        Some(Host::Domain(name)) => is_loopback_name(&name),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).to_canonical().is_loopback(),
        None => false,
    }
}

/// Whether `name` is `localhost` or below it (RFC 6761, section 6.3). The HTTP clients resolve such
/// a name themselves, so that no DNS server can name another host.
pub(crate) fn is_loopback_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// The host of `url` as it is compared: in lower case, without the dot at its end, an address as an
/// address. A scheme such as `socks5` leaves a host as it is written, hence the second parsing.
pub(super) fn host_of(url: &Url) -> Option<Host> {
    parse_host(url.host_str()?)
}

/// Parses a host name or an IP address; an IPv6 address with or without brackets.
pub(super) fn parse_host(text: &str) -> Option<Host> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(match ip {
            IpAddr::V4(ip) => Host::Ipv4(ip),
            IpAddr::V6(ip) => Host::Ipv6(ip),
        });
    }
    match Host::parse(text).ok()? {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            (!name.is_empty() && !name.contains('*')).then(|| Host::Domain(name.to_owned()))
        }
        ip => Some(ip),
    }
}

/// Splits `HOST:PORT`; the port is optional. An IPv6 address with a port has brackets.
pub(super) fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if text.parse::<IpAddr>().is_ok() {
        return Some((text, None));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => Some((host, Some(port.parse().ok()?))),
        _ => Some((text, None)),
    }
}

/// A host that Vault may redirect to: `vault-1.example.com`, `10.0.0.1:8200` or, for every name
/// below a domain, `*.vault.example.com`. Without a port, every port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedirectHost {
    /// Whether it means the names below `host` instead of `host`.
    below: bool,
    host: Host,
    port: Option<u16>,
}

impl RedirectHost {
    /// Whether it means the host and port of `url`.
    #[must_use]
    pub(crate) fn matches(&self, url: &Url) -> bool {
        let Some(host) = host_of(url) else {
            return false;
        };
        let is_host = match (&self.host, &host) {
            (Host::Domain(domain), Host::Domain(name)) if self.below => is_below(name, domain),
            (expected, host) => !self.below && expected == host,
        };
        let port = url.port_or_known_default();
        is_host && (self.port.is_none() || self.port == port)
    }
}

impl FromStr for RedirectHost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected 'HOST', 'HOST:PORT' or '*.DOMAIN', without a scheme";
        let (host, port) = split_port(text).ok_or(expected)?;
        let domain = host.strip_prefix("*.");
        let below = domain.is_some();
        let host = parse_host(domain.unwrap_or(host)).ok_or(expected)?;
        match host {
            Host::Ipv4(_) | Host::Ipv6(_) if below => Err(expected),
            host => Ok(Self { below, host, port }),
        }
    }
}

/// Whether `name` is a subdomain of `domain`.
pub(super) fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .is_some_and(|rest| rest.ends_with('.'))
}

impl TextFormat for RedirectHost {
    const PATTERN: &'static str = r"^(?:\*\.)?[^ #*/<>?@\\^|]+$";
    const EXAMPLE: &'static str = "*.vault.example.com";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn loopback_is_judged_by_name_and_address() {
        for (address, expected) in [
            ("http://127.0.0.1", true),
            ("http://127.8.9.1:1", true),
            ("http://[::1]:1", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://localhost", true),
            ("http://LOCALHOST.", true),
            ("http://vault.localhost:1", true),
            ("http://2130706433", true),
            ("http://127.0.0.1.example.com", false),
            ("http://localhost.example.com", false),
            ("http://notlocalhost", false),
            ("http://0.0.0.0", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&url(address)), expected, "{address}");
        }
    }

    #[test]
    fn a_redirect_host_is_compared_by_host_and_port() {
        for (pattern, address, expected) in [
            ("v-1.example.com", "https://v-1.example.com:8200/x", true),
            ("V-1.Example.com", "https://v-1.example.com.", true),
            ("v-1.example.com:8200", "https://v-1.example.com:8200", true),
            (
                "v-1.example.com:8200",
                "https://v-1.example.com:8201",
                false,
            ),
            ("v-1.example.com:443", "https://v-1.example.com", true),
            ("v-1.example.com", "https://x.v-1.example.com", false),
            ("*.example.com", "https://v-1.example.com", true),
            ("*.example.com:8200", "https://a.b.example.com:8200", true),
            ("*.example.com", "https://example.com", false),
            ("*.example.com", "https://notexample.com", false),
            (
                "*.example.com",
                "https://v.example.com@evil.test/v.example.com",
                false,
            ),
            ("10.0.0.1:8200", "https://10.0.0.1:8200", true),
            ("[::1]:8200", "https://[::1]:8200", true),
            ("fe80::1", "https://[fe80::1]:9", true),
        ] {
            let host: RedirectHost = pattern.parse().unwrap();
            assert_eq!(host.matches(&url(address)), expected, "{pattern} {address}");
        }
        for wrong in [
            "https://v.example.com",
            "v.example.com:port",
            "v.example.com/x",
            "*.10.0.0.1",
            "*",
            "a b",
            "*.",
        ] {
            assert!(wrong.parse::<RedirectHost>().is_err(), "{wrong}");
        }
    }
}
