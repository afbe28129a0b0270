//! A token that an identity provider gives to a client for itself.

use super::{
    fixture::{SourceFault, SourceFixture},
    vault::http_fault,
};
use crate::support::{
    TestEnv,
    identity_provider::{CLIENT_SECRET, CONFIDENTIAL_CLIENT, Fault, Target},
    jwt::claims,
    memory::Needle,
    oidc_provider::{OidcProvider, OidcProviderOptions},
};

const TOKENS: Target = Target::Grant("client_credentials");

pub(super) struct OauthMachineFixture {
    provider: OidcProvider,
    env: TestEnv,
}

impl OauthMachineFixture {
    async fn with_ttl(seconds: u32) -> Self {
        let provider = OidcProvider::start_with(OidcProviderOptions {
            access_token_ttl: seconds,
            ..OidcProviderOptions::default()
        })
        .await;
        let env = TestEnv::new();
        let secret = env.write_secret_file("client-secret", CLIENT_SECRET);
        env.write_config(&format!(
            "[profile.default]\nsource = \"ci\"\n[source.ci]\ntype = \"oauth\"\nissuer = \"{}\"\n\
             client_id = \"{CONFIDENTIAL_CLIENT}\"\nclient_secret_file = \"{secret}\"\n\
             flow = \"client-credentials\"\ntimeout = \"1s\"\n",
            provider.issuer()
        ));
        Self { provider, env }
    }
}

impl SourceFixture for OauthMachineFixture {
    // The client's secret is refused.
    const REVOKED: i32 = 2;
    const REVOKED_IS_FINAL: bool = false;

    async fn start() -> Self {
        Self::with_ttl(3600).await
    }

    async fn start_short_lived() -> Self {
        Self::with_ttl(2).await
    }

    fn env(&self) -> &TestEnv {
        &self.env
    }

    fn is_key(&self, key: &str) -> bool {
        claims(key)["iss"] == self.provider.issuer()
    }

    fn requests(&self) -> usize {
        self.provider.front.requests().len()
    }

    fn login_secrets(&self) -> Vec<Needle> {
        vec![Needle::client_secret(CONFIDENTIAL_CLIENT, CLIENT_SECRET)]
    }

    /// Each one differs in its `jti`.
    async fn replace(&self) {}

    async fn revoke(&self) {
        self.provider
            .front
            .fail_all(TOKENS, Fault::oauth(401, "invalid_client"));
    }

    fn fail(&self, fault: SourceFault) {
        self.provider.front.fail_all(TOKENS, http_fault(fault));
    }

    fn recover(&self) {
        self.provider.front.pass_on();
    }
}
