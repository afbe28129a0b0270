//! A password that Vault's database engine issues under a lease.

use super::{
    fixture::{SourceFault, SourceFixture},
    vault::http_fault,
};
use crate::{
    lease::DatabaseFixture,
    support::{
        TestEnv,
        identity_provider::{ProviderFront, Target},
        memory::Needle,
    },
};

pub(super) struct LeaseFixture {
    database: DatabaseFixture,
    front: ProviderFront,
}

impl LeaseFixture {
    async fn with_ttl(ttl: &str) -> Self {
        let database = DatabaseFixture::start(ttl, ttl).await;
        let front = ProviderFront::start(database.bao.port(), None).await;
        database.env.edit_config(|config| {
            let config = config.replace(&database.bao.url(), &front.url());
            config.replace("lease = true", "lease = true\ntimeout = \"1s\"")
        });
        Self { database, front }
    }
}

impl SourceFixture for LeaseFixture {
    // Denied.
    const REVOKED: i32 = 5;
    const REVOKED_IS_FINAL: bool = true;

    async fn start() -> Self {
        Self::with_ttl("1h").await
    }

    async fn start_short_lived() -> Self {
        Self::with_ttl("2s").await
    }

    fn env(&self) -> &TestEnv {
        &self.database.env
    }

    /// A password that Vault has chosen.
    fn is_key(&self, key: &str) -> bool {
        key.len() >= 20 && key.contains('-')
    }

    fn requests(&self) -> usize {
        self.front.requests().len()
    }

    fn login_secrets(&self) -> Vec<Needle> {
        let token = self.front.vault_token().unwrap();
        vec![Needle::text("Vault token", &token)]
    }

    /// Each one is of another database user.
    async fn replace(&self) {}

    async fn revoke(&self) {
        let nothing = [("nothing", "read")];
        self.database.bao.set_policy("database", &nothing).await;
    }

    fn fail(&self, fault: SourceFault) {
        // A new lease, and a renewal of the one before.
        for target in [Target::Path("/creds/dev"), Target::Path("/leases/renew")] {
            self.front.fail_all(target, http_fault(fault));
        }
    }

    fn recover(&self) {
        self.front.pass_on();
    }
}
