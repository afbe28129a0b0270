//! Credentials with a lease: OpenBao's database engine and PostgreSQL.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Bao, TestEnv, poll::SOON, postgres::Postgres, until, vault_config::approle_auth,
};

const READ: &str = "database/creds/dev";
const LEASES: &str = "sys/leases/lookup/database/creds/dev";

/// A machine whose key is the password of a database user.
pub(crate) struct DatabaseFixture {
    pub(crate) bao: Bao,
    pub(crate) env: TestEnv,
    pub(crate) postgres: Postgres,
}

impl DatabaseFixture {
    /// Starts the servers. A lease is valid for `ttl`, with renewals for `max_ttl`.
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
        bao.set_policy("database", &[("database/creds/*", "read")])
            .await;
        let role = bao
            .enable_approle(json!({"token_policies": ["database"]}))
            .await;
        let env = TestEnv::new();
        let secret_id = env.write_secret_file("secret-id", &role.secret_id);
        env.write_config(&format!(
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
            approle_auth(&role.role_id, &secret_id)
        ));
        // With a client that caches for one second, the advisory window is the last 30%.
        env.set_variable("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "1000");
        Self { bao, env, postgres }
    }

    /// Runs the shim; returns what it printed.
    pub(crate) async fn key(&self) -> String {
        let output = self.env.helper().await;
        assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""));
        self.env.add_secret(&output.stdout);
        output.stdout
    }

    /// The number of leases.
    pub(crate) async fn leases(&self) -> usize {
        let list = Method::from_bytes(b"LIST").unwrap();
        let (_, response) = self.bao.api(list, LEASES, Value::Null).await;
        response["data"]["keys"].as_array().map_or(0, Vec::len)
    }
}

#[tokio::test]
async fn a_lease_is_issued_once_and_revoked_at_logout() {
    let database = DatabaseFixture::start("1h", "2h").await;
    let key = database.key().await;
    assert_eq!(database.key().await, key);
    assert_eq!(
        (database.bao.count("read", READ), database.leases().await),
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
async fn a_lease_is_renewed_and_then_replaced_without_a_request() {
    let database = DatabaseFixture::start("4s", "8s").await;
    let first = database.key().await;
    until("the lease is renewed", SOON, async || {
        database.bao.count("update", "sys/leases/renew") >= 1
    })
    .await;
    assert_eq!(database.bao.count("read", READ), 1);
    assert_eq!(database.key().await, first);
    // Without a request, there is a valid credential at any time.
    until("another one is issued", SOON, async || {
        let profile = &database.env.status().await["profiles"][0];
        assert_eq!(profile["state"], "ready", "{profile}");
        database.bao.count("read", READ) >= 2
    })
    .await;
    until("it is served", SOON, async || database.key().await != first).await;
    assert_eq!(database.bao.count("update", "auth/approle/login"), 1);
}

#[tokio::test]
async fn a_refresh_replaces_a_lease_that_vault_revoked() {
    let database = DatabaseFixture::start("1h", "2h").await;
    let first = database.key().await;
    database
        .bao
        .write("sys/leases/revoke-prefix/database/creds/dev", Value::Null)
        .await;
    database.env.claviger(&["refresh"]).await.succeeded();
    assert_ne!(database.key().await, first);
}
