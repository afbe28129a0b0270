//! A key in Vault, with a login by a JWT that Claviger signs: both links of the chain.

use serde_json::json;

use super::{
    fixture::{SourceFault, SourceFixture},
    jwt::minted,
    vault::http_fault,
};
use crate::support::{
    Bao, KEY, TestEnv,
    identity_provider::{ProviderFront, Target},
    jwt::SigningKey,
    key_fixture::SECOND,
    memory::Needle,
    vault_config::vault_config,
};

pub(super) struct ChainFixture {
    bao: Bao,
    front: ProviderFront,
    env: TestEnv,
    key: SigningKey,
}

impl ChainFixture {
    async fn with_watch(watch: &str) -> Self {
        let bao = Bao::start_with_key("k", KEY).await;
        let front = ProviderFront::start(bao.port(), None).await;
        let env = TestEnv::new();
        let key = SigningKey::new();
        bao.enable_jwt(&key.public_pem(), "llm").await;
        let file = env.write_secret_file("signing.pem", &key.private_pem());
        let vault = vault_config(
            &front.url(),
            "secret/k",
            &format!("watch = \"{watch}\"\ntimeout = \"1s\""),
            "method = \"jwt\", role = \"dev\", jwt_source = \"minted\"",
        );
        env.write_config(&format!("{vault}\n{}", minted(&file, "1h")));
        Self {
            bao,
            front,
            env,
            key,
        }
    }
}

impl SourceFixture for ChainFixture {
    // Denied.
    const REVOKED: i32 = 5;
    const REVOKED_IS_FINAL: bool = true;

    async fn start() -> Self {
        Self::with_watch("off").await
    }

    async fn start_short_lived() -> Self {
        Self::with_watch("1s").await
    }

    fn env(&self) -> &TestEnv {
        &self.env
    }

    fn is_key(&self, key: &str) -> bool {
        [KEY, SECOND].contains(&key)
    }

    fn requests(&self) -> usize {
        self.front.requests().len()
    }

    fn login_secrets(&self) -> Vec<Needle> {
        let token = self.front.vault_token().unwrap();
        vec![
            Needle::text("Vault token", &token),
            Needle::signing_key(&self.key.private_pem()),
        ]
    }

    async fn replace(&self) {
        self.bao.put("k", json!({"api_key": SECOND})).await;
    }

    async fn revoke(&self) {
        self.bao.set_policy("reader", &[("nothing", "read")]).await;
    }

    fn fail(&self, fault: SourceFault) {
        // The login and the read.
        for target in [Target::Path("/login"), Target::Path("/secret/data/k")] {
            self.front.fail_all(target, http_fault(fault));
        }
    }

    fn recover(&self) {
        self.front.pass_on();
    }
}
