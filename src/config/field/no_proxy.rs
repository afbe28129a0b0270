//! The hosts that no proxy is used for.

use std::{borrow::Cow, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};
use url::{Host, Url};

use super::{
    host::{host_of, is_below, is_loopback, parse_host, split_port},
    text_format::TextFormat,
};

/// The hosts that no proxy is used for. Pure: a name is compared as it is written and never
/// resolved. This machine is always one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NoProxy(Vec<Entry>);

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    /// `None` is every port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// `*`
    All,
    /// `corp`, `.corp` or `*.corp`: the domain and everything below it, as in curl.
    Domain(String),
    /// An address or a network.
    Network(IpNet),
}

impl NoProxy {
    /// Whether `url` is reached without a proxy.
    #[must_use]
    pub(crate) fn matches(&self, url: &Url) -> bool {
        let Some(host) = host_of(url) else {
            return false;
        };
        let port = url.port_or_known_default();
        is_loopback(url)
            || self.0.iter().any(|entry| {
                entry.hosts.contains(&host) && (entry.port.is_none() || entry.port == port)
            })
    }

    /// Parses a variable such as `NO_PROXY`, which other programs read too: entries that are
    /// invalid here are ignored.
    #[must_use]
    pub(crate) fn of_variable(text: &str) -> Self {
        Self(entries(text).filter_map(Result::ok).collect())
    }

    /// The entries of both.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

impl Hosts {
    fn contains(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::All, _) => true,
            (Self::Domain(domain), Host::Domain(name)) => name == domain || is_below(name, domain),
            (Self::Network(network), Host::Ipv4(ip)) => network.contains(&IpAddr::V4(*ip)),
            (Self::Network(network), Host::Ipv6(ip)) => {
                network.contains(&IpAddr::V6(*ip).to_canonical())
            }
            _ => false,
        }
    }
}

impl FromStr for NoProxy {
    type Err = String;

    /// Parses entries with commas or blanks between them.
    fn from_str(text: &str) -> Result<Self, String> {
        entries(text).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Entry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self {
                hosts: Hosts::Network(network),
                port: None,
            });
        }
        let invalid = || {
            "invalid entry; expected a host, '*.DOMAIN', '.DOMAIN', an address, a network such as \
             '10.0.0.0/8', each perhaps with ':PORT', or '*'"
                .to_owned()
        };
        let (host, port) = split_port(text).ok_or_else(invalid)?;
        let domain = host.strip_prefix("*.").or(host.strip_prefix('.'));
        let hosts = match (host, domain) {
            ("*", _) => Hosts::All,
            _ => match parse_host(domain.unwrap_or(host)).ok_or_else(invalid)? {
                Host::Domain(name) => Hosts::Domain(name),
                _ if domain.is_some() => return Err(invalid()),
                Host::Ipv4(ip) => Hosts::Network(IpAddr::V4(ip).into()),
                Host::Ipv6(ip) => Hosts::Network(IpAddr::V6(ip).to_canonical().into()),
            },
        };
        Ok(Self { hosts, port })
    }
}

fn entries(text: &str) -> impl Iterator<Item = Result<Entry, String>> + '_ {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|entry| !entry.is_empty())
        .map(str::parse)
}

impl<'de> Deserialize<'de> for NoProxy {
    /// A string of entries, or a list of such strings.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            List(Vec<String>),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::List(list) => list.join(","),
        };
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for NoProxy {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "no-proxy".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "array"],
            "format": "no-proxy",
            "items": { "type": "string", "format": "no-proxy" },
        })
    }
}

impl TextFormat for NoProxy {
    const PATTERN: &'static str = r"^(?:[^#/<>?@\\^|]|/[0-9])*$";
    const EXAMPLE: &'static str = "localhost, *.corp 10.0.0.0/8";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_an_entry() {
        for (entries, address, expected) in [
            ("vault.corp", "https://vault.corp:8200", true),
            ("vault.corp", "https://a.vault.corp", true),
            ("vault.corp", "https://other-vault.corp", false),
            ("VAULT.corp.", "https://vault.CORP", true),
            ("*.corp", "https://a.b.corp", true),
            ("*.corp", "https://corp", true),
            ("*.corp", "https://notcorp", false),
            (".corp", "https://a.corp", true),
            (".corp", "https://corp", true),
            (".corp", "https://corp.example", false),
            ("vault.corp:8200", "https://vault.corp:8200", true),
            ("vault.corp:8200", "https://vault.corp", false),
            ("vault.corp:443", "https://vault.corp", true),
            (".corp:8200", "https://a.corp:8200", true),
            ("10.1.2.3", "https://10.1.2.3:8200", true),
            ("10.1.2.3:80", "http://10.1.2.3", true),
            ("10.1.2.3:80", "https://10.1.2.3", false),
            ("10.0.0.0/8", "https://10.9.9.9", true),
            ("10.0.0.0/8", "https://11.9.9.9", false),
            ("10.0.0.0/8", "https://10.example.com", false),
            ("10.0.0.0/8", "https://[::ffff:10.1.1.1]", true),
            ("fd00::/8", "https://[fd12::1]:8200", true),
            ("fd00::/8", "https://[fe80::1]", false),
            ("fd12::1", "https://[fd12:0::1]", true),
            ("[fd12::1]:8200", "https://[fd12::1]:8200", true),
            ("[fd12::1]:8200", "https://[fd12::1]", false),
            ("*", "https://anything.example", true),
            ("a.test, b.test c.test", "https://c.test", true),
            ("a.test,\tb.test\n,,c.test", "https://b.test", true),
            ("bücher.example", "https://xn--bcher-kva.example", true),
            ("", "https://a.test", false),
            ("", "https://localhost:1", true),
            ("", "http://127.3.2.1:1", true),
            ("", "https://[::1]", true),
        ] {
            let no_proxy: NoProxy = entries.parse().unwrap();
            let url = address.parse().unwrap();
            assert_eq!(no_proxy.matches(&url), expected, "{entries:?} {address}");
        }
    }

    #[test]
    fn an_invalid_entry_is_an_error_in_the_file_and_ignored_in_a_variable() {
        for wrong in ["https://a.test", "a.test:port", "10.0.0.0/33", "*.10.0.0.1"] {
            assert!(wrong.parse::<NoProxy>().is_err(), "{wrong}");
            let both = NoProxy::of_variable(&format!("{wrong},b.test"));
            assert_eq!(Ok(both), "b.test".parse(), "{wrong}");
        }
    }
}
