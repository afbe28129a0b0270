//! What `claviger logout` forgets, revokes and says.

use serde_json::{Value, json};

use crate::{
    lease::DatabaseFixture,
    support::{
        Bao, KEY, TestEnv, fingerprint::fingerprint, poll::SOON, until, vault_config::token_auth,
    },
};

#[tokio::test]
async fn after_a_logout_the_next_call_fetches_at_once_whatever_failed_before() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    bao.seal().await;
    env.helper().await.failed(5, &["is sealed (503)"]);
    // Each failed attempt doubles the back-off.
    for _ in 0..12 {
        assert_eq!(env.claviger(&["refresh"]).await.code, Some(5));
    }
    bao.unseal().await;
    let waiting = env.helper().await;
    waiting.failed(5, &["is sealed (503); next try in "]);
    env.claviger(&["logout"]).await.succeeded();
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_logout_says_what_it_did_for_each_profile() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    let token = env.write_secret_file("token", &bao.create_token(json!({})).await);
    env.edit_config(|config| {
        format!(
            "{config}\n[profile.foreign]\nsource = \"foreign\"\n[source.foreign]\ntype = \"vault\"\n\
             address = \"{}\"\npath = \"secret/k\"\nfield = \"api_key\"\nauth = {{ {} }}\n\
             [profile.unused]\nsource = \"program\"\n[source.program]\ntype = \"exec\"\n\
             command = [\"/bin/true\"]\n",
            bao.url(),
            token_auth(&token)
        )
    });
    env.helper().await.printed(KEY);
    env.helper_with(&["--profile", "foreign"], &[])
        .await
        .printed(KEY);
    let key = fingerprint(KEY);
    let unwrapped = |text: &str| text.replace("\n  ", " ");
    let output = env.claviger(&["logout"]).await;
    assert_eq!(
        unwrapped(output.succeeded()),
        format!(
            "default: forgot the key {key}, which the gateway may still accept; revoked the login at source 'vault'\n\
             foreign: forgot the key {key}, which the gateway may still accept; the login at source 'foreign' \
             cannot be revoked here and stays valid\n\
             unused: had no key; nothing to revoke at source 'program'\n"
        )
    );
    assert_eq!(bao.count("update", "auth/token/revoke-self"), 1);
    for profile in env.status().await["profiles"].as_array().unwrap() {
        assert_eq!(profile["state"], "empty", "{profile}");
    }
    let output = env.claviger(&["logout", "default", "--json"]).await;
    let json: Value = serde_json::from_str(output.succeeded()).unwrap();
    assert_eq!(
        json,
        json!({"profiles": [{
            "name": "default", "source": "vault", "forgotten": null, "lease": "none", "login": "none",
            "failure": null,
        }]})
    );
}

#[tokio::test]
async fn a_lease_is_revoked_with_the_login() {
    let database = DatabaseFixture::start("1h", "2h").await;
    database.key().await;
    let output = database.env.claviger(&["logout", "--json"]).await;
    let json: Value = serde_json::from_str(output.succeeded()).unwrap();
    let profile = &json["profiles"][0];
    assert_eq!(
        (&profile["lease"], &profile["login"]),
        (&json!("revoked"), &json!("revoked")),
        "{json}"
    );
    assert!(profile["forgotten"].is_string(), "{json}");
}

#[tokio::test]
async fn profiles_that_share_a_login_are_logged_out_together() {
    let database = DatabaseFixture::start("1h", "2h").await;
    let env = &database.env;
    env.edit_config(|config| format!("{config}\n[profile.second]\nsource = \"db\"\n"));
    database.key().await;
    let second = env.helper_with(&["--profile", "second"], &[]).await;
    env.add_secret(&second.stdout);
    assert_eq!(second.code, Some(0), "{second:?}");
    let output = env.claviger(&["logout", "--json"]).await;
    let json: Value = serde_json::from_str(output.succeeded()).unwrap();
    for (index, login) in [(0, "revoked"), (1, "none")] {
        let profile = &json["profiles"][index];
        assert_eq!(
            (&profile["lease"], &profile["login"]),
            (&json!("revoked"), &json!(login)),
            "{json}"
        );
    }
    // Vault revokes the leases of a token soon after the token.
    until("both leases are gone", SOON, async || {
        database.leases().await == 0
    })
    .await;
}

/// The lease of the other profile is revoked with the login; its next request gets a new key.
#[tokio::test]
async fn a_profile_notices_that_another_one_has_ended_the_login() {
    let database = DatabaseFixture::start("1h", "2h").await;
    let env = &database.env;
    env.edit_config(|config| {
        format!("{config}\n[profile.second]\nsource = \"db\"\n[profile.unused]\nsource = \"db\"\n")
    });
    let mut key = database.key().await;
    let second = env.helper_with(&["--profile", "second"], &[]).await;
    env.add_secret(&second.stdout);
    // A profile without a key has the same login, too.
    for profile in ["second", "unused"] {
        env.claviger(&["logout", profile]).await.succeeded();
        let status = env.status().await;
        assert_eq!(status["profiles"][0]["state"], "empty", "{profile}");
        let new = database.key().await;
        assert_ne!(new, key, "{profile}");
        key = new;
    }
}

#[tokio::test]
async fn a_logout_that_cannot_revoke_forgets_all_the_same() {
    let mut bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.edit_config(|config| {
        format!("{config}\n[profile.other]\nsource = \"other\"\n[source.other]\ntype = \"exec\"\ncommand = [\"/bin/true\"]\n")
    });
    env.helper().await.printed(KEY);
    bao.kill();
    let output = env.claviger(&["logout"]).await;
    assert_eq!(output.code, Some(5), "{output:?}");
    let key = fingerprint(KEY);
    assert_eq!(
        output.stdout,
        format!(
            "default: forgot the key {key}; source 'vault' could not revoke it\n\
             other: had no key; nothing to revoke at source 'other'\n"
        )
    );
    assert!(
        output
            .stderr
            .contains("dropped the key of profile 'default'")
            && output.stderr.contains("refused the connection")
            && output.stderr.contains("\nhint: "),
        "{output:?}"
    );
    assert_eq!(
        env.status().await["profiles"][0]["fingerprint"],
        Value::Null
    );
}
