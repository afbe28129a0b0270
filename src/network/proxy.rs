//! Which proxy a request goes through. Pure: a function of the configuration, the asking client's
//! variables and the URL.

use url::Url;

use super::{error::ProxyOrigin, foreign_text::RequestSecrets, setup_error::SetupError};
use crate::{
    client_variables::ClientVariables,
    config::{NetworkConfig, NoProxy, ProxySetting, ProxyUrl},
    secret::Secret,
};

/// The proxies of one client, and the hosts that are reached without one.
#[derive(Clone, Debug)]
pub(super) struct ProxyRules {
    choice: Choice,
    no_proxy: NoProxy,
}

#[derive(Clone, Debug)]
enum Choice {
    None,
    /// By the scheme of the request's URL.
    Named {
        http: Option<ProxyUrl>,
        https: Option<ProxyUrl>,
        origin: ProxyOrigin,
    },
    /// The system is asked for each URL.
    #[cfg(any(target_os = "macos", windows))]
    System,
}

/// The proxy of a request.
#[derive(Clone, Debug)]
pub(super) struct UsedProxy {
    pub(super) url: ProxyUrl,
    pub(super) origin: ProxyOrigin,
}

impl ProxyRules {
    /// The rules of `config` for a client with `variables`.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if a variable is not the URL of a proxy.
    pub(super) fn new(
        config: &NetworkConfig,
        variables: &ClientVariables,
    ) -> Result<Self, SetupError> {
        let mut no_proxy = config.no_proxy.clone().unwrap_or_default();
        let choice = match config.proxy.as_ref().unwrap_or(&ProxySetting::System) {
            ProxySetting::System => system(),
            ProxySetting::Off => Choice::None,
            ProxySetting::Url(url) => Choice::Named {
                http: Some(url.clone()),
                https: Some(url.clone()),
                origin: ProxyOrigin::Configuration,
            },
            ProxySetting::Environment => {
                if let Some((_, value)) = variable(variables, "no_proxy") {
                    no_proxy = no_proxy.and(NoProxy::of_variable(value));
                }
                let all = named(variables, "all_proxy")?;
                Choice::Named {
                    http: named(variables, "http_proxy")?.or(all.clone()),
                    https: named(variables, "https_proxy")?.or(all),
                    origin: ProxyOrigin::Environment,
                }
            }
        };
        Ok(Self { choice, no_proxy })
    }

    /// The proxy of a request to `url`; `None` for none.
    pub(super) fn of(&self, url: &Url) -> Option<UsedProxy> {
        if self.no_proxy.matches(url) {
            return None;
        }
        match &self.choice {
            Choice::None => None,
            Choice::Named {
                http,
                https,
                origin,
            } => {
                let proxy = match url.scheme() {
                    "https" => https,
                    _ => http,
                };
                Some(UsedProxy {
                    url: proxy.clone()?,
                    origin: *origin,
                })
            }
            #[cfg(any(target_os = "macos", windows))]
            Choice::System => Some(UsedProxy {
                url: proxy_of_system(url)?,
                origin: ProxyOrigin::System,
            }),
        }
    }

    /// The user names and passwords in the proxies' URLs.
    pub(super) fn secrets(&self) -> RequestSecrets {
        let Choice::Named { http, https, .. } = &self.choice else {
            return RequestSecrets::default();
        };
        let password = |proxy: &ProxyUrl| proxy.as_url().password().map(str::to_owned);
        [http, https]
            .into_iter()
            .flatten()
            .filter_map(password)
            .map(Secret::new)
            .collect()
    }
}

impl UsedProxy {
    /// Whether requests to an `http` URL are sent to the proxy itself, which answers them, rather
    /// than through a connection that the proxy opens.
    pub(super) fn forwards(&self, url: &Url) -> bool {
        url.scheme() == "http" && matches!(self.url.as_url().scheme(), "http" | "https")
    }
}

/// The value of a variable in either case, with the name that it is set by; in lower case first, as
/// curl reads them. An empty one counts as unset.
fn variable<'a>(variables: &'a ClientVariables, name: &str) -> Option<(String, &'a str)> {
    [name.to_owned(), name.to_ascii_uppercase()]
        .into_iter()
        .find_map(|name| {
            let value = variables.get(&name)?.expose().trim();
            (!value.is_empty()).then_some((name, value))
        })
}

fn named(variables: &ClientVariables, name: &str) -> Result<Option<ProxyUrl>, SetupError> {
    let Some((name, value)) = variable(variables, name) else {
        return Ok(None);
    };
    let proxy = ProxyUrl::of_variable(value).map_err(|error| SetupError {
        reason: format!("the variable '{name}' of the client names no proxy: {error}"),
        hint: format!("correct '{name}', or set 'proxy' in the configuration to the proxy's URL"),
        is_of_client: true,
    })?;
    Ok(Some(proxy))
}

/// Linux has no such settings.
#[cfg(not(any(target_os = "macos", windows)))]
fn system() -> Choice {
    Choice::None
}

/// The library that reads the system's settings prefers the variables of this process. The daemon
/// is started without them; if it has some all the same, no proxy is used.
#[cfg(any(target_os = "macos", windows))]
fn system() -> Choice {
    const VARIABLES: [&str; 5] = [
        "ALL_PROXY",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "REQUEST_METHOD",
    ];
    let is_set = |name: &&&str| {
        [(**name).to_owned(), name.to_ascii_lowercase()]
            .iter()
            .any(|name| std::env::var_os(name).is_some())
    };
    match VARIABLES.iter().find(is_set) {
        Some(&name) => {
            tracing::warn!(
                event = "proxy-ignored",
                name,
                "the system's proxy is not used: the daemon's environment has this variable"
            );
            Choice::None
        }
        None => Choice::System,
    }
}

/// The system's proxy for `url`, without its user name and password.
#[cfg(any(target_os = "macos", windows))]
fn proxy_of_system(url: &Url) -> Option<ProxyUrl> {
    let matcher = hyper_util::client::proxy::matcher::Matcher::from_system();
    let found = matcher.intercept(&url.as_str().parse().ok()?)?;
    ProxyUrl::of_system(&found.uri().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(proxy: &str, no_proxy: &str, variables: &[(&str, &str)]) -> ProxyRules {
        let config = NetworkConfig {
            proxy: (!proxy.is_empty()).then(|| proxy.parse().unwrap()),
            no_proxy: (!no_proxy.is_empty()).then(|| no_proxy.parse().unwrap()),
            ca_file: None,
        };
        ProxyRules::new(&config, &of(variables)).unwrap()
    }

    fn of(variables: &[(&str, &str)]) -> ClientVariables {
        let value =
            |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::new((*value).to_owned()));
        variables.iter().map(value).collect()
    }

    fn used(rules: &ProxyRules, url: &str) -> String {
        rules
            .of(&url.parse().unwrap())
            .map_or_else(String::new, |proxy| format!("{:?}", proxy.url))
    }

    #[test]
    fn the_configured_proxy_is_used_for_all_but_its_exceptions() {
        let rules = rules("socks5h://p.corp:1080", ".corp, 10.0.0.0/8", &[]);
        for (url, expected) in [
            ("https://vault.example.com:8200", "socks5h://p.corp:1080"),
            ("http://vault.example.com:8200", "socks5h://p.corp:1080"),
            ("https://vault.corp", ""),
            ("https://10.1.1.1", ""),
            ("http://127.0.0.1:8200", ""),
            ("http://localhost:8200", ""),
        ] {
            assert_eq!(used(&rules, url), expected, "{url}");
        }
    }

    #[test]
    fn without_the_environment_no_variable_counts() {
        let variables = [
            ("HTTPS_PROXY", "http://evil:1"),
            ("ALL_PROXY", "http://evil:1"),
        ];
        for proxy in ["off", "", "system"] {
            if cfg!(not(any(target_os = "macos", windows))) {
                assert_eq!(used(&rules(proxy, "", &variables), "https://v.test"), "");
            }
        }
        let fixed = rules("http://p:1", "", &variables);
        assert_eq!(used(&fixed, "https://v.test"), "http://p:1");
    }

    #[test]
    fn the_clients_variables_are_read_in_either_case() {
        let variables = [
            ("https_proxy", "http://lower:1"),
            ("HTTPS_PROXY", "http://upper:1"),
            ("HTTP_PROXY", ""),
            ("ALL_PROXY", "socks5://all:1"),
            ("NO_PROXY", "*.direct.test other.test:8200"),
        ];
        let rules = rules("environment", "configured.test", &variables);
        for (url, expected) in [
            ("https://v.test", "http://lower:1"),
            ("http://v.test", "socks5://all:1"),
            ("https://a.direct.test", ""),
            ("https://other.test:8200", ""),
            ("https://other.test", "http://lower:1"),
            ("https://configured.test", ""),
        ] {
            assert_eq!(used(&rules, url), expected, "{url}");
        }
    }

    #[test]
    fn a_wrong_variable_is_named_without_its_value() {
        let config = NetworkConfig {
            proxy: Some(ProxySetting::Environment),
            ..NetworkConfig::default()
        };
        let variables = of(&[("HTTPS_PROXY", "ftp://ana:hunter2@proxy")]);
        let error = ProxyRules::new(&config, &variables).unwrap_err();
        assert!(
            error.reason.starts_with("the variable 'HTTPS_PROXY'"),
            "{error:?}"
        );
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }

    #[test]
    fn a_password_is_a_secret_of_every_request() {
        let variables = [("HTTPS_PROXY", "http://ana:hunter2-hunter2@proxy:1")];
        let rules = rules("environment", "", &variables);
        assert!(!format!("{rules:?}").contains("hunter2"));
        let text = crate::network::ForeignText::new("bad: hunter2-hunter2");
        assert!(!text.clean(&rules.secrets()).contains("hunter2"));
    }
}
