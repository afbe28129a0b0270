//! A token for a user who has signed in. The daemon has ended since: the first fetch is a refresh.

use rustix::process::Signal;

use super::{
    fixture::{SourceFault, SourceFixture},
    vault::http_fault,
};
use crate::support::{
    TestEnv,
    identity_provider::{PASSWORD, PUBLIC_CLIENT, Target, USER},
    jwt::claims,
    login_command::sign_in,
    memory::Needle,
    oidc_provider::{OidcProvider, OidcProviderOptions},
};

pub(super) struct OauthUserFixture {
    provider: OidcProvider,
    env: TestEnv,
}

impl OauthUserFixture {
    async fn with_ttl(seconds: u32) -> Self {
        let provider = OidcProvider::start_with(OidcProviderOptions {
            access_token_ttl: seconds,
            // A fault may lose an answer; without a grace the server would end the login.
            rotation_grace: 60,
            ..OidcProviderOptions::default()
        })
        .await;
        let env = TestEnv::new();
        env.add_secret(PASSWORD);
        env.write_config(&format!(
            "[profile.default]\nsource = \"sso\"\n[source.sso]\ntype = \"oauth\"\nissuer = \"{}\"\n\
             client_id = \"{PUBLIC_CLIENT}\"\nstore = \"file\"\ntimeout = \"1s\"\n",
            provider.issuer()
        ));
        let (_, end) = sign_in(&env, &[]).await;
        end.signed_in();
        env.kill_daemon(Signal::TERM);
        Self { provider, env }
    }
}

impl SourceFixture for OauthUserFixture {
    // The user must sign in again.
    const REVOKED: i32 = 3;
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
        let tokens = self.provider.front.answered("refresh_token");
        vec![Needle::text("refresh token", tokens.last().unwrap())]
    }

    /// Each one differs in its `jti`.
    async fn replace(&self) {}

    async fn revoke(&self) {
        self.provider.revoke(USER).await;
    }

    fn fail(&self, fault: SourceFault) {
        let refresh = Target::Grant("refresh_token");
        self.provider.front.fail_all(refresh, http_fault(fault));
    }

    fn recover(&self) {
        self.provider.front.pass_on();
    }
}
