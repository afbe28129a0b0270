//! A developer's machine with a source that a user signs in to.

use serde_json::Value;

use crate::support::{
    TestEnv,
    identity_provider::{CLIENT_SECRET, PASSWORD, PUBLIC_CLIENT, Target},
    jwt::claims,
    login_command::{self, LoginEnd},
    oidc_provider::{OidcProvider, OidcProviderOptions},
    tls::Ca,
};

/// The requests that refresh tokens.
pub(super) const REFRESH: Target = Target::Grant("refresh_token");

/// oidc-provider, and a machine whose only source is `sso`.
pub(super) struct Sso {
    pub(super) provider: OidcProvider,
    pub(super) env: TestEnv,
}

impl Sso {
    /// The login is in a sealed file.
    pub(super) async fn start() -> Self {
        Self::start_with(OidcProviderOptions::default(), "store = \"file\"").await
    }

    /// Access tokens are valid for `ttl` seconds.
    pub(super) async fn with_ttl(ttl: u32) -> Self {
        let options = OidcProviderOptions {
            access_token_ttl: ttl,
            ..OidcProviderOptions::default()
        };
        Self::start_with(options, "store = \"file\"").await
    }

    /// `more` are further lines of the source's table.
    pub(super) async fn start_with(options: OidcProviderOptions, more: &str) -> Self {
        let provider = OidcProvider::start_with(options).await;
        let env = TestEnv::new();
        for secret in [PASSWORD, CLIENT_SECRET] {
            env.add_secret(secret);
        }
        env.write_config(&config(provider.issuer(), more));
        Self { provider, env }
    }

    /// [`Sso::start_with`], with an issuer that is an HTTPS URL.
    pub(super) async fn start_with_tls(options: OidcProviderOptions, more: &str) -> Self {
        let ca = Ca::new("the provider's");
        let provider = OidcProvider::start_with_tls(options, &ca).await;
        let env = TestEnv::new();
        env.add_secret(PASSWORD);
        let file = env.write_file("ca.pem", &ca.pem);
        env.write_config(&config(
            provider.issuer(),
            &format!("ca_file = \"{file}\"\n{more}"),
        ));
        Self { provider, env }
    }

    /// Signs in by browser.
    pub(super) async fn sign_in(&self) -> LoginEnd {
        let (page, end) = login_command::sign_in(&self.env, &[]).await;
        assert!(page.body.contains("signed in"), "{page:?}");
        end.signed_in();
        end
    }

    /// Runs the shim, which must print a token of the provider.
    pub(super) async fn key(&self) -> String {
        let output = self.env.helper().await;
        let key = output.stdout.trim_end().to_owned();
        output.printed(&key);
        assert_eq!(claims(&key)["iss"], self.provider.issuer());
        self.env.add_secret(&key);
        key
    }

    /// How many requests have refreshed tokens.
    pub(super) fn refreshes(&self) -> usize {
        self.provider.front.count(REFRESH)
    }

    /// The profile in `claviger status --json`.
    pub(super) async fn status(&self) -> Value {
        self.env.status().await["profiles"][0].clone()
    }
}

/// A configuration whose only source is `sso`; `more` are further lines of its table.
pub(super) fn config(issuer: &str, more: &str) -> String {
    let source = source(issuer, more);
    format!("[profile.default]\nsource = \"sso\"\n\n{source}")
}

/// The table of the source `sso`; `more` are further lines of it.
pub(super) fn source(issuer: &str, more: &str) -> String {
    format!(
        "[source.sso]\ntype = \"oauth\"\nissuer = \"{issuer}\"\nclient_id = \"{PUBLIC_CLIENT}\"\n\
         scopes = [\"openid\", \"profile\", \"email\", \"offline_access\"]\n{more}\n"
    )
}
