//! `{env:NAME}` and `*_env` are variables of the asking client, not of the one that started the
//! daemon.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use crate::support::{Bao, KEY, TestEnv, until, vault_config::vault_source};

const SOON: Duration = Duration::from_secs(20);

/// A machine whose key is that of the client's variable `TEAM`. Each run of the source is a line of
/// the file `runs`.
fn team_env() -> TestEnv {
    let env = TestEnv::new();
    let runs = env.path("runs").display().to_string();
    let program = env.write_program("corp-key", &format!("echo \"$1\" >> '{runs}'; echo key-$1"));
    env.write_config(&format!(
        "[profile.default]\nsource = \"team\"\n\
         [profile.plain]\nsource = \"plain\"\n\
         [source.team]\ntype = \"exec\"\ncommand = [\"{program}\", \"{{env:TEAM}}\"]\n\
         [source.plain]\ntype = \"exec\"\ncommand = [\"{program}\", \"plain\"]\n"
    ));
    env
}

fn runs(env: &TestEnv) -> Vec<String> {
    let runs = fs::read_to_string(env.path("runs")).unwrap_or_default();
    runs.lines().map(str::to_owned).collect()
}

fn team(name: &str) -> [(&'static str, &str); 1] {
    [("TEAM", name)]
}

/// The entries of the profile in the status.
async fn entries(env: &TestEnv, profile: &str) -> Vec<Value> {
    let status = env.status().await;
    let profiles = status["profiles"].as_array().unwrap().iter();
    profiles
        .filter(|entry| entry["name"] == profile)
        .cloned()
        .collect()
}

#[tokio::test]
async fn two_clients_get_two_keys_of_one_daemon() {
    let env = team_env();
    for name in ["core", "infra", "core", "infra"] {
        env.helper_with(&[], &team(name))
            .await
            .printed(&format!("key-{name}"));
    }
    let pid = env.daemon_pid();
    assert_eq!(runs(&env), ["core", "infra"]);
    env.helper_with(&["--profile", "plain"], &team("core"))
        .await
        .printed("key-plain");

    let entries = entries(&env, "default").await;
    let fingerprints: Vec<_> = entries
        .iter()
        .map(|entry| {
            assert_eq!(entry["variables"]["names"], json!(["TEAM"]));
            assert_eq!(entry["state"], "ready");
            let fingerprint = entry["variables"]["fingerprint"].as_str().unwrap();
            assert!(fingerprint.len() == 12 && fingerprint.bytes().all(|c| c.is_ascii_hexdigit()));
            fingerprint
        })
        .collect();
    assert!(
        fingerprints.len() == 2 && fingerprints[0] != fingerprints[1],
        "{entries:#?}"
    );
    let plain = self::entries(&env, "plain").await;
    assert!(
        plain.len() == 1 && plain[0]["variables"].is_null(),
        "{plain:?}"
    );
    assert_eq!(env.daemon_pid(), pid);
}

/// The client that starts the daemon decides nothing for later ones.
#[tokio::test]
async fn the_starters_variable_is_not_another_clients() {
    let env = team_env();
    env.helper_with(&[], &team("starter"))
        .await
        .printed("key-starter");
    env.helper().await.failed(
        2,
        &[
            "'source.team.command' cannot be resolved",
            "'{env:TEAM}' is not set",
        ],
    );
    env.helper_with(&[], &team("other"))
        .await
        .printed("key-other");
    env.helper_with(&[], &team("../x"))
        .await
        .failed(2, &["'{env:TEAM}' contains '/'"]);
    assert_eq!(runs(&env), ["starter", "other"]);

    let env = team_env();
    env.set_variable("TEAM", "starter");
    let mut daemon = env.spawn_daemon();
    until("it listens", SOON, async || env.daemon_pid().is_some()).await;
    env.set_variable("TEAM", "");
    env.helper().await.failed(2, &["'{env:TEAM}' is empty"]);
    env.helper_with(&[], &team("client"))
        .await
        .printed("key-client");
    assert_eq!(runs(&env), ["client"]);
    daemon.kill().await.unwrap();
}

#[tokio::test]
async fn refresh_and_logout_act_on_the_entries_of_all_clients() {
    let env = team_env();
    // A refresh without an entry is a client, and is asked as one.
    env.set_variable("TEAM", "core");
    env.claviger(&["refresh", "default"]).await.succeeded();
    assert_eq!(runs(&env), ["core"]);
    env.helper().await.printed("key-core");
    env.helper_with(&[], &team("infra"))
        .await
        .printed("key-infra");
    assert_eq!(runs(&env), ["core", "infra"]);

    env.set_variable("TEAM", "third");
    env.claviger(&["refresh", "default"]).await.succeeded();
    let mut again = runs(&env).split_off(2);
    again.sort();
    assert_eq!(again, ["core", "infra"]);

    env.claviger(&["logout", "default"]).await.succeeded();
    let after = entries(&env, "default").await;
    assert!(
        after.len() == 1 && after[0]["state"] == "empty",
        "{after:?}"
    );
    env.helper_with(&[], &team("infra"))
        .await
        .printed("key-infra");
    assert_eq!(runs(&env).len(), 5);
}

#[tokio::test]
async fn refresh_without_the_variable_names_it() {
    let env = team_env();
    env.claviger(&["refresh", "plain"]).await.succeeded();
    env.claviger(&["refresh", "default"]).await.failed(
        2,
        &[
            "profile 'default'",
            "'{env:TEAM}' is not set in the client's environment",
            "hint: set 'TEAM'",
        ],
    );
}

#[tokio::test]
async fn a_changed_profile_drops_all_of_its_entries_and_an_unchanged_one_none() {
    let env = team_env();
    for name in ["core", "infra"] {
        env.helper_with(&[], &team(name))
            .await
            .printed(&format!("key-{name}"));
    }
    env.edit_config(|config| config + "[profile.more]\nsource = \"plain\"\n");
    env.helper_with(&[], &team("core"))
        .await
        .printed("key-core");
    assert_eq!(entries(&env, "default").await.len(), 2);
    assert_eq!(runs(&env), ["core", "infra"]);

    env.edit_config(|config| {
        config.replace(
            "source = \"team\"",
            "source = \"team\"\ngateways = [\"https://g.test\"]",
        )
    });
    env.helper_with(&[], &team("core"))
        .await
        .printed("key-core");
    assert_eq!(entries(&env, "default").await.len(), 1);
    assert_eq!(runs(&env), ["core", "infra", "core"]);
}

/// Each client's Vault token reads what its own policy allows.
#[tokio::test]
async fn a_secret_in_a_variable_is_the_clients_own_and_is_in_no_output() {
    let bao = Bao::start_with_key("team/gateway", KEY).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let auth = "method = \"token\", token_env = \"CORP_VAULT_TOKEN\"";
    let source = vault_source("vault", &bao.url(), "secret/team/gateway", "", auth);
    env.write_config(&format!("[profile.default]\nsource = \"vault\"\n{source}"));
    // With a warning: the variable is not set here.
    let checked = env.claviger(&["config", "check"]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    env.set_variable("CLAVIGER_LOG", "debug");
    // The daemon is started by a client without a token.
    env.helper()
        .await
        .failed(2, &["the variable 'CORP_VAULT_TOKEN' is not set"]);
    let (good, bad) = (bao.create_token(json!({})).await, "s.canary-no-such-token");
    for secret in [&good, bad] {
        env.add_secret(secret);
    }
    env.helper_with(&[], &[("CORP_VAULT_TOKEN", &good)])
        .await
        .printed(KEY);
    let denied = env.helper_with(&[], &[("CORP_VAULT_TOKEN", bad)]).await;
    assert!(
        denied.code == Some(3) || denied.code == Some(5),
        "{denied:?}"
    );
    env.helper_with(&[], &[("CORP_VAULT_TOKEN", &good)])
        .await
        .printed(KEY);
    let states: Vec<_> = entries(&env, "default")
        .await
        .iter()
        .map(|entry| entry["state"].clone())
        .collect();
    assert_eq!(states.len(), 3, "{states:?}");
}

#[tokio::test]
async fn a_configuration_can_forbid_them() {
    let env = team_env();
    env.edit_config(|config| {
        config.replace("version = 1\n", "version = 1\nclient_variables = false\n")
    });
    env.helper_with(&[], &team("core")).await.failed(
        2,
        &[":4:1: 'source' in [profile.default]: requires the client's variable 'TEAM' (in [source.team])", "'client_variables = false' forbids"],
    );
    env.edit_config(|config| config.replace("{env:TEAM}", "{user}"));
    env.helper_with(&["--profile", "plain"], &team("core"))
        .await
        .printed("key-plain");
}
