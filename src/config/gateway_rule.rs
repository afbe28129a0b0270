//! A key goes only to a client that talks to its gateway.

use super::{
    field::{GatewayUrl, origin_of},
    table::{Config, ProfileConfig},
};

/// A client's base URL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BaseUrl<'a> {
    /// The URL, which may contain a password.
    pub(crate) url: &'a str,
    /// The variables of the client's environment that may contain it, for messages.
    pub(crate) variables: &'static str,
}

/// A request of a client whose base URL is not a gateway of the profile. Its texts contain hosts,
/// and nothing else of the client's URL, which may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("profile '{profile}' is for the gateway {gateway}, but the client's {variables} {client}")]
pub(crate) struct OtherGateway {
    profile: String,
    /// The profile's gateway.
    gateway: String,
    variables: &'static str,
    /// What the client's base URL is.
    client: String,
    /// What to do now.
    pub(super) hint: String,
}

impl Config {
    /// Checks that a client with this base URL may have the key of `profile`, which is called
    /// `name`.
    ///
    /// # Errors
    ///
    /// [`OtherGateway`].
    pub(super) fn check_gateway(
        &self,
        name: &str,
        profile: &ProfileConfig,
        base_url: BaseUrl<'_>,
    ) -> Result<(), OtherGateway> {
        let BaseUrl {
            url: base_url,
            variables,
        } = base_url;
        if profile.permits(base_url) {
            return Ok(());
        }
        let origins: Vec<_> = profile.gateways().map(GatewayUrl::origin).collect();
        let is_own = |origin: &String| origins.contains(origin);
        let origin = origin_of(base_url);
        let is_clear = GatewayUrl::of_client(base_url).is_ok();
        let client = match &origin {
            Some(origin) if !is_clear => format!("is an unusual form of '{origin}'"),
            Some(origin) if is_own(origin) => format!("is another path on '{origin}'"),
            Some(origin) => format!("is '{origin}'"),
            None => "is an invalid URL".to_owned(),
        };
        let gateway = match origins.as_slice() {
            [] => String::new(),
            [first] => format!("'{first}'"),
            [first, others @ ..] => format!("'{first}' (or {} more)", others.len()),
        };
        let hint = if !is_clear && origin.as_ref().is_none_or(is_own) {
            format!("write {variables} as scheme, host, port and path only")
        } else {
            self.other_gateway_hint(name, base_url, variables)
        };
        Err(OtherGateway {
            profile: name.to_owned(),
            gateway,
            variables,
            client,
            hint,
        })
    }

    /// What to do if `base_url` is not a gateway of the profile `name`.
    fn other_gateway_hint(&self, name: &str, base_url: &str, variables: &str) -> String {
        let other = self
            .profiles
            .iter()
            .find(|(_, other)| other.is_for(base_url));
        match (other, self.ask_administrator()) {
            (Some((other, _)), _) => format!(
                "name profile '{other}', whose gateway it is, with --profile or CLAVIGER_PROFILE"
            ),
            (None, Some(administrator)) => administrator,
            (None, None) => format!(
                "find out what sets {variables}, such as a project's settings; if you trust it, add \
                 it to 'gateways' of profile '{name}'"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{
        super::{Config, SelectError, parse},
        BaseUrl,
    };

    const GATEWAY: &str = "https://gw.example.com/eu";
    const EVIL: &str = "http://ana:hunter2@evil.test:8080/hunter2";

    /// A configuration whose profile `default` has `keys`, and with a profile `us`.
    fn config(keys: &str) -> Config {
        let text = format!(
            "version = 1\nsource.s = {{ type = 'exec', command = ['/bin/key'] }}\n\
             [profile.us]\nsource = 's'\ngateway = 'https://us.example.com'\n\
             [profile.default]\nsource = 's'\n{keys}\n"
        );
        parse(Path::new("/c.toml"), &text).unwrap()
    }

    fn anthropic(url: &str) -> BaseUrl<'_> {
        BaseUrl {
            url,
            variables: "ANTHROPIC_BASE_URL",
        }
    }

    fn refused(config: &Config, profile: Option<&str>, base_url: &str) -> (String, String) {
        match config.select(profile, Some(anthropic(base_url))) {
            Err(error @ SelectError::OtherGateway(_)) => (error.to_string(), error.hint()),
            other => panic!("{base_url}: {other:?}"),
        }
    }

    fn is_permitted(config: &Config, base_url: &str) -> bool {
        let base_url = Some(anthropic(base_url));
        config.select(Some("default"), base_url).is_ok()
    }

    #[test]
    fn a_client_of_another_gateway_gets_no_key_however_the_profile_was_picked() {
        let own = config(&format!("gateway = '{GATEWAY}'"));
        for base_url in [
            EVIL,
            "https://evil.test",
            "https://gw.example.com",
            "http://gw.example.com/eu",
            "gw",
        ] {
            for profile in [None, Some("default"), Some("us")] {
                refused(&own, profile, base_url);
            }
        }
        assert!(is_permitted(&own, "https://GW.example.com:443/eu/"));
        // As unset: the client then uses its own default.
        for base_url in ["", " \n"] {
            assert!(is_permitted(&own, base_url), "{base_url:?}");
        }
        assert!(own.select(Some("default"), None).is_ok());
    }

    #[test]
    fn further_gateways_any_gateway_and_none_at_all() {
        let further = config(&format!(
            "gateways = ['{GATEWAY}', 'http://127.0.0.1:4000']"
        ));
        assert!(is_permitted(&further, GATEWAY) && is_permitted(&further, "http://127.1:4000"));
        assert!(!is_permitted(&further, "http://127.0.0.1:4001"));
        let any = config(&format!("gateway = '{GATEWAY}'\nany_gateway = true"));
        let none = config("");
        assert!(is_permitted(&any, EVIL) && is_permitted(&none, EVIL) && is_permitted(&none, "gw"));
    }

    #[test]
    fn the_message_names_both_hosts_and_no_secret() {
        let one = config(&format!("gateway = '{GATEWAY}'"));
        let two = config(&format!(
            "gateway = '{GATEWAY}'\ngateways = ['https://b.example.com']"
        ));
        let start = "profile 'default' is for the gateway 'https://gw.example.com'";
        let variable = "but the client's ANTHROPIC_BASE_URL";
        for (config, base_url, expected) in [
            (
                &one,
                "https://evil.test/hunter2",
                format!("{start}, {variable} is 'https://evil.test'"),
            ),
            (
                &two,
                "https://evil.test",
                format!("{start} (or 1 more), {variable} is 'https://evil.test'"),
            ),
            (
                &one,
                EVIL,
                format!("{start}, {variable} is an unusual form of 'http://evil.test:8080'"),
            ),
            (
                &one,
                "hunter2",
                format!("{start}, {variable} is an invalid URL"),
            ),
            (
                &one,
                "https://gw.example.com/hunter2",
                format!("{start}, {variable} is another path on 'https://gw.example.com'"),
            ),
        ] {
            let (message, hint) = refused(config, Some("default"), base_url);
            assert_eq!(message, expected);
            assert!(!hint.contains("hunter2"), "{hint}");
        }
    }

    #[test]
    fn the_hint_follows_from_the_cause() {
        let mut config = config(&format!("gateway = '{GATEWAY}'"));
        let hint = |config: &Config, base_url| refused(config, Some("default"), base_url).1;
        let other = hint(&config, "https://us.example.com/");
        assert!(other.starts_with("name profile 'us'"), "{other}");
        let form = hint(&config, "https:\\\\gw.example.com");
        assert!(
            form.starts_with("write ANTHROPIC_BASE_URL as scheme"),
            "{form}"
        );
        let own = hint(&config, "https://evil.test");
        assert!(
            own.ends_with("add it to 'gateways' of profile 'default'"),
            "{own}"
        );
        let evil = hint(&config, EVIL);
        assert!(evil.starts_with("find out what sets"), "{evil}");
        config.is_managed = true;
        assert_eq!(hint(&config, "https://evil.test"), "ask your administrator");
    }

    #[test]
    fn the_variable_of_another_client_is_named() {
        let config = config(&format!("gateway = '{GATEWAY}'"));
        for (url, hint) in [
            ("https://evil.test", "find out what sets COPILOT_URL"),
            ("https:\\\\gw.example.com", "write COPILOT_URL as scheme"),
        ] {
            let variables = "COPILOT_URL";
            let error = config
                .select(Some("default"), Some(BaseUrl { url, variables }))
                .unwrap_err();
            let message = error.to_string();
            assert!(message.contains("the client's COPILOT_URL is"), "{message}");
            assert!(error.hint().starts_with(hint), "{}", error.hint());
        }
    }
}
