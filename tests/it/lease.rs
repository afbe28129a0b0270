//! Credentials under a lease: OpenBao's database engine on PostgreSQL.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Bao, TestEnv, poll::SOON, postgres::Postgres, test_env::approle, until};

const READ: &str = "database/creds/dev";
const LEASES: &str = "sys/leases/lookup/database/creds/dev";

/// A machine that has its key from a database's lease.
pub(crate) struct Database {
    pub(crate) bao: Bao,
    pub(crate) env: TestEnv,
    pub(crate) postgres: Postgres,
}

impl Database {
    /// Its leases live for `ttl`, renewals included for `max_ttl`.
    pub(crate) async fn start(ttl: &str, max_ttl: &str) -> Self {
        let postgres = Postgres::start().await;
        let bao = Bao::start().await;
        bao.write("sys/mounts/database", json!({"type": "database"}))
            .await;
        let config = json!({
            "plugin_name": "postgresql-database-plugin", "allowed_roles": "dev", "connection_url": postgres.url(),
            "username": "postgres", "password": "", "verify_connection": true,
        });
        bao.write("database/config/pg", config).await;
        let create = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';";
        let role = json!({
            "db_name": "pg", "creation_statements": [create], "default_ttl": ttl, "max_ttl": max_ttl,
        });
        bao.write("database/roles/dev", role).await;
        bao.policy("database", &[("database/creds/*", "read")])
            .await;
        let role = bao.approle(json!({"token_policies": ["database"]})).await;
        let env = TestEnv::new();
        let secret_id = env.secret_file("secret-id", &role.secret_id);
        env.config(&format!(
            r#"
[profile.default]
source = "db"

[source.db]
type = "vault"
address = "{}"
path = "{READ}"
field = "password"
lease = true
auth = {{ {} }}
"#,
            bao.url(),
            approle(&role.role_id, &secret_id)
        ));
        // A client that caches for a second: the window opens when the last 30% begin.
        env.set("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "1000");
        Self { bao, env, postgres }
    }

    /// The shim must print one.
    async fn key(&self) -> String {
        let output = self.env.helper().await;
        assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""));
        self.env.secret(&output.stdout);
        output.stdout
    }

    /// How many leases there are.
    async fn leases(&self) -> usize {
        let list = Method::from_bytes(b"LIST").unwrap();
        let (_, answer) = self.bao.api(list, LEASES, Value::Null).await;
        answer["data"]["keys"].as_array().map_or(0, Vec::len)
    }
}

#[tokio::test]
async fn issued_once_and_revoked_at_logout() {
    let database = Database::start("1h", "2h").await;
    let key = database.key().await;
    assert_eq!(database.key().await, key);
    assert_eq!(
        (database.bao.asked("read", READ), database.leases().await),
        (1, 1)
    );
    let profile = &database.env.status().await["profiles"][0];
    assert!(
        profile["expires_at"].is_string() && profile["next_refresh_at"].is_string(),
        "{profile}"
    );

    database.env.claviger(&["logout"]).await.succeeded();
    until("the lease is gone", SOON, async || {
        database.leases().await == 0
    })
    .await;
    assert_ne!(database.key().await, key);
}

#[tokio::test]
async fn renewed_of_itself_and_issued_anew_before_the_end() {
    let database = Database::start("4s", "8s").await;
    let first = database.key().await;
    until("the lease is renewed", SOON, async || {
        database.bao.asked("update", "sys/leases/renew") >= 1
    })
    .await;
    assert_eq!(database.bao.asked("read", READ), 1);
    assert_eq!(database.key().await, first);
    // Nobody asks meanwhile: there is one at any time, and a new one before the maximum is reached.
    until("another one is issued", SOON, async || {
        let profile = &database.env.status().await["profiles"][0];
        assert_eq!(profile["state"], "ready", "{profile}");
        database.bao.asked("read", READ) >= 2
    })
    .await;
    until("it is served", SOON, async || database.key().await != first).await;
    assert_eq!(database.bao.asked("update", "auth/approle/login"), 1);
}

/// Vault revoked the lease behind our back: a refresh gives another one.
#[tokio::test]
async fn revoked_there() {
    let database = Database::start("1h", "2h").await;
    let first = database.key().await;
    database
        .bao
        .write("sys/leases/revoke-prefix/database/creds/dev", Value::Null)
        .await;
    database.env.claviger(&["refresh"]).await.succeeded();
    assert_ne!(database.key().await, first);
}
