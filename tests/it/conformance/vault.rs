//! A key in Vault's KV v2 engine, reached by TLS.

use serde_json::json;

use super::fixture::{SourceFault, SourceFixture};
use crate::support::{
    Bao, KEY, TestEnv,
    identity_provider::{Fault, ProviderFront, Target},
    key_fixture::SECOND,
    memory::Needle,
    tls::Ca,
    vault_config::{token_auth, vault_config},
};

/// The requests that read the key.
const READ: Target = Target::Path("/secret/data/k");

pub(super) struct KvFixture {
    bao: Bao,
    front: ProviderFront,
    env: TestEnv,
}

impl KvFixture {
    async fn with_watch(watch: &str) -> Self {
        let bao = Bao::start_with_key("k", KEY).await;
        let ca = Ca::new("corp");
        let front = ProviderFront::start(bao.port(), Some(&ca)).await;
        let env = TestEnv::new();
        let ca = env.write_file("ca.pem", &ca.pem);
        let token = env.write_secret_file("token", &bao.create_token(json!({})).await);
        env.write_config(&vault_config(
            &front.url(),
            "secret/k",
            &format!("watch = \"{watch}\"\ntimeout = \"1s\"\nca_file = \"{ca}\""),
            &token_auth(&token),
        ));
        Self { bao, front, env }
    }
}

impl SourceFixture for KvFixture {
    // Deleted.
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
        vec![Needle::text("Vault token", &token)]
    }

    async fn replace(&self) {
        self.bao.put("k", json!({"api_key": SECOND})).await;
    }

    async fn revoke(&self) {
        self.bao.delete_version("k", 1).await;
    }

    fn fail(&self, fault: SourceFault) {
        self.front.fail_all(READ, http_fault(fault));
    }

    fn recover(&self) {
        self.front.pass_on();
    }
}

/// A fault of a server that answers with JSON.
pub(super) fn http_fault(fault: SourceFault) -> Fault {
    match fault {
        SourceFault::Hang => Fault::Hang,
        SourceFault::DieMidAnswer => Fault::LoseAnswer,
        SourceFault::Garbage => Fault::garbage(),
        SourceFault::Unavailable => Fault::html(503),
        SourceFault::Missing => panic!("a server misses nothing on this machine"),
    }
}
