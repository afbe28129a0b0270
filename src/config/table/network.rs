//! `[network]`, and the same keys in the table of a source or profile.

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::{
    super::field::{FilePath, NoProxy, ProxySetting, is_loopback},
    validator::Validator,
};

/// The variables that name a proxy or the exceptions. The daemon asks the client for them if
/// `proxy` is `"environment"`.
const PROXY_VARIABLES: [&str; 8] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// How servers are reached. In the table of a source or profile a key takes precedence over the
/// same one in the table 'network'.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "Network")]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkConfig {
    /// The proxy: "system" (the default: the system's settings on macOS and Windows, none on
    /// Linux), "off", "environment" (the asking client's HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and
    /// NO_PROXY), or a URL with http, https, socks5 or socks5h. This machine is reached without
    /// one.
    pub(crate) proxy: Option<ProxySetting>,
    /// The hosts that are reached without a proxy: a list, or a string with commas or blanks.
    /// host, .domain, *.domain, host:port, an address, a network such as 10.0.0.0/8, or *.
    pub(crate) no_proxy: Option<NoProxy>,
    /// The CA certificates (PEM) to trust instead of the system's. An absolute path, or ~/ and a
    /// path.
    pub(crate) ca_file: Option<FilePath>,
}

impl NetworkConfig {
    /// How a command reaches a server whose proxy its own environment names.
    #[must_use]
    pub(crate) fn of_environment(ca_file: Option<FilePath>) -> Self {
        Self {
            proxy: Some(ProxySetting::Environment),
            no_proxy: None,
            ca_file,
        }
    }

    /// These keys, and those of `outer` for the ones that are not set.
    pub(super) fn or(self, outer: &Self) -> Self {
        Self {
            proxy: self.proxy.or_else(|| outer.proxy.clone()),
            no_proxy: self.no_proxy.or_else(|| outer.no_proxy.clone()),
            ca_file: self.ca_file.or_else(|| outer.ca_file.clone()),
        }
    }

    /// The variables of the asking client that name the proxy; none unless `proxy` is
    /// `"environment"`.
    pub(crate) fn env_names(&self) -> &'static [&'static str] {
        match self.proxy {
            Some(ProxySetting::Environment) => &PROXY_VARIABLES,
            _ => &[],
        }
    }
}

/// Refuses plain `http` to another host than this one, unless `plain_http` allows it: every system
/// on the way could read the key. `key` is the key of `url`; `alternative` is the end of the
/// message.
pub(super) fn check_plain_http(
    validator: &mut Validator,
    key: &str,
    url: &Url,
    plain_http: bool,
    alternative: &str,
) {
    if url.scheme() == "http" && !is_loopback(url) && !plain_http {
        validator.error(
            key,
            &format!(
                "plain 'http' to another host sends secrets unencrypted; expected 'https', or \
                 'plain_http = true' beside it{alternative}"
            ),
        );
    }
}
