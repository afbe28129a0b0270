//! Keys in the KV engines.

use std::fmt::Write as _;

use serde_json::json;

use crate::support::{
    Bao, KEY, TestEnv,
    poll::SOON,
    until,
    vault_config::{token_auth, vault_config, vault_source},
};

#[tokio::test]
async fn kv_v2_reads_the_current_version() {
    let bao = Bao::start().await;
    bao.put("team/key", json!({"api_key": "sk-old"})).await;
    bao.put("team/key", json!({"api_key": KEY, "note": 1}))
        .await;
    let env = TestEnv::with_token(&bao, "secret/team/key", "").await;
    env.helper().await.printed(KEY);
    let status = env.status().await;
    assert_eq!(status["profiles"][0]["version"], 2);
    assert_eq!(bao.count("read", "secret/data/team/key"), 1);
}

#[tokio::test]
async fn kv_v1_reads_a_key_without_version_and_expiry() {
    let bao = Bao::start().await;
    bao.mount_kv1().await;
    bao.write("kv1/team/key", json!({"api_key": KEY})).await;
    let env = TestEnv::with_token(&bao, "kv1/team/key", "kv = 1").await;
    env.helper().await.printed(KEY);
    let profile = &env.status().await["profiles"][0];
    assert_eq!(profile["state"], "ready");
    assert!(
        profile["version"].is_null() && profile["expires_at"].is_null(),
        "{profile}"
    );
    assert_eq!(bao.count("read", "kv1/team/key"), 1);
}

#[tokio::test]
async fn a_mount_point_may_contain_a_slash() {
    let bao = Bao::start().await;
    bao.mount_kv2("teams/eng").await;
    bao.write("teams/eng/data/a/b", json!({"data": {"api_key": KEY}}))
        .await;
    bao.set_policy("reader", &[("teams/eng/data/*", "read")])
        .await;
    let env = TestEnv::with_token(&bao, "a/b", "mount = \"teams/eng\"").await;
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_path_may_contain_any_printable_character() {
    let bao = Bao::start().await;
    for (path, encoded) in [
        ("my key", "my%20key"),
        ("100% of/a?b#c", "100%25%20of/a%3Fb%23c"),
        ("a%2Fb", "a%252Fb"),
        ("schlüssel/😀", "schl%C3%BCssel/%F0%9F%98%80"),
        (r"a\b;c=d&e+f", "a%5Cb;c=d&e+f"),
    ] {
        bao.put(encoded, json!({"api_key": KEY})).await;
        let in_toml = format!("secret/{path}").replace('\\', r"\\");
        let env = TestEnv::with_token(&bao, &in_toml, "watch = \"1s\"").await;
        env.helper().await.printed(KEY);
        assert_eq!(bao.count("read", &format!("secret/data/{path}")), 1);
        until("its version is checked", SOON, async || {
            env.helper().await.printed(KEY);
            bao.count("read", &format!("secret/metadata/{path}")) > 0
        })
        .await;
    }
}

#[tokio::test]
async fn a_nested_field_is_named_by_a_json_pointer() {
    let bao = Bao::start().await;
    bao.put("k", json!({"gateway": {"keys": [{"api_key": KEY}]}}))
        .await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    let field = |name: &str| {
        env.write_config(&vault_config(
            &bao.url(),
            "secret/k",
            "",
            &token_auth(env.path("secrets/token").to_str().unwrap()),
        ));
        env.edit_config(|config| {
            config.replace("field = \"api_key\"", &format!("field = \"{name}\""))
        });
    };
    field("/gateway/keys/0/api_key");
    env.helper().await.printed(KEY);
    field("/gateway/keys/0/key");
    env.helper().await.failed(
        6,
        &[
            "field '/gateway/keys/0/key' from",
            "is missing; '/gateway/keys/0' contains 'api_key'",
        ],
    );
    field("/gateway");
    env.helper()
        .await
        .failed(6, &["field '/gateway' from", "is an object, not a string"]);
}

#[tokio::test]
async fn a_missing_deleted_or_destroyed_secret_is_reported() {
    let bao = Bao::start().await;
    let env = TestEnv::with_token(&bao, "secret/none", "").await;
    let host = bao.host();
    let nothing = format!("no secret at 'secret/data/none' on '{host}' (");
    env.helper()
        .await
        .failed(5, &[&nothing, "(404)", "hint: ask"]);

    bao.put("none", json!({"api_key": KEY})).await;
    bao.delete_version("none", 1).await;
    env.claviger(&["refresh"]).await.failed(
        5,
        &[&nothing, "version 1, the current version, was deleted"],
    );

    bao.destroy_version("none", 1).await;
    env.claviger(&["refresh"]).await.failed(
        5,
        &[&nothing, "version 1, the current version, was destroyed"],
    );
    assert_eq!(env.status().await["profiles"][0]["state"], "denied");

    bao.put("none", json!({"api_key": KEY})).await;
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_cached_key_is_dropped_once_vault_reports_it_deleted() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.helper().await.printed(KEY);
    bao.delete_version("k", 1).await;
    let refreshed = env.claviger(&["refresh"]).await;
    refreshed.failed(5, &["was deleted"]);
    env.helper().await.failed(5, &["was deleted"]);
}

/// One server and one daemon serve all cases.
#[tokio::test]
async fn an_unusable_value_is_reported_with_its_problem() {
    let longest = "k".repeat(16_384);
    let table = [
        ("number", json!(12), Err("is a number, not a string")),
        ("list", json!([KEY]), Err("is a list, not a string")),
        (
            "object",
            json!({"a": KEY}),
            Err("is an object, not a string"),
        ),
        ("null", json!(null), Err("is null, not a string")),
        ("empty", json!(""), Err("is empty")),
        (
            "space",
            json!("sk-canary 5f3a9c"),
            Err("contains whitespace at character 10"),
        ),
        (
            "newline",
            json!("sk-canary\n5f3a9c"),
            Err("contains whitespace at character 10"),
        ),
        ("umlaut", json!("sk-canärie"), Err("at character 7")),
        ("longest", json!(longest), Ok(longest.as_str())),
        ("longer", json!(format!("{longest}k")), Err("16384")),
        ("padded", json!(format!("{KEY}\n")), Ok(KEY)),
        ("windows", json!(format!("\u{feff} {KEY}\r\n")), Ok(KEY)),
        ("blank", json!(" \n"), Err("is empty")),
        (
            "word",
            json!("None"),
            Err("is none, which means that there is no value"),
        ),
        (
            "undefined",
            json!("undefined"),
            Err("is undefined, which means"),
        ),
        ("quotes", json!("\"\""), Err("is \"\", which means")),
        (
            "quoted",
            json!(format!("\"{KEY}\"")),
            Err("is in quotes; expected the value without them"),
        ),
        ("placeholder", json!("<API_KEY>"), Err("is a placeholder")),
    ];
    let bao = Bao::start().await;
    let env = TestEnv::new();
    env.add_secret(&longest);
    let token = env.write_secret_file("token", &bao.create_token(json!({})).await);
    let auth = token_auth(&token);
    let mut config = String::new();
    for (name, value, _) in &table {
        bao.put(name, json!({"api_key": value})).await;
        let _ = writeln!(config, "[profile.{name}]\nsource = \"{name}\"");
        config.push_str(&vault_source(
            name,
            &bao.url(),
            &format!("secret/{name}"),
            "",
            &auth,
        ));
    }
    env.write_config(&config);
    for (name, _, expected) in &table {
        let output = env.helper_with(&["--profile", name], &[]).await;
        match expected {
            Ok(key) => output.printed(key),
            Err(problem) => {
                output.failed(6, &["field 'api_key' from", problem]);
                assert!(!output.stderr.contains("sk-can"), "{output:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_missing_field_is_reported_with_the_fields_that_exist() {
    let bao = Bao::start().await;
    bao.put("k", json!({"apikey": KEY, "zone": "eu"})).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.helper().await.failed(
        6,
        &[
            "field 'api_key'",
            "is missing; the secret contains 'apikey', 'zone'",
        ],
    );
}

#[tokio::test]
async fn placeholders_are_filled_in_and_checked() {
    let user = std::process::Command::new("id")
        .arg("-un")
        .output()
        .unwrap();
    let user = String::from_utf8(user.stdout).unwrap();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let host = host.trim().split('.').next().unwrap();
    let path = format!("keys/{}/{host}/eng", user.trim());
    let bao = Bao::start().await;
    bao.put(&path, json!({"api_key": KEY})).await;
    let template = "secret/keys/{user}/{host}/{env:TEAM}";
    let env = TestEnv::with_token(&bao, template, "").await;

    env.helper().await.failed(2, &["TEAM"]);
    env.claviger(&["stop"]).await;
    for refused in ["../admin", "eng/x", "eng?x", ""] {
        env.set_variable("TEAM", refused);
        env.helper().await.failed(2, &["TEAM"]);
        env.claviger(&["stop"]).await;
    }
    assert_eq!(bao.requests(), [], "no request was sent");
    env.set_variable("TEAM", "eng");
    env.helper().await.printed(KEY);
    assert_eq!(bao.count("read", &format!("secret/data/{path}")), 1);
}

#[tokio::test]
async fn a_wrong_engine_or_mount_point_is_reported() {
    let bao = Bao::start().await;
    bao.mount_kv1().await;
    bao.write("kv1/k", json!({"api_key": KEY})).await;
    bao.put("k", json!({"api_key": KEY})).await;
    let is = |mount: &str, found: &str, expected: &str| {
        let host = bao.host();
        format!(
            "the mount point '{mount}' on '{host}' is {found}, but the source expects {expected}"
        )
    };
    let (kv1, kv2) = ("KV version 1", "KV version 2");
    // For KV v1, "data/k" is the path of a secret, and there is none.
    let env = TestEnv::with_token(&bao, "kv1/k", "").await;
    env.helper().await.failed(
        2,
        &[&is("kv1", kv1, kv2), "hint: set 'kv = 1' in [source.vault]"],
    );
    env.edit_config(|config| config.replace("api_key\"", "api_key\"\nkv = 1"));
    env.helper().await.printed(KEY);
    // The policy allows reading it at secret/data alone: 403.
    for (more, hint) in [
        ("kv = 1", "hint: set 'kv = 2' in"),
        (
            "lease = true",
            "hint: set 'kv = 2' instead of 'lease = true'",
        ),
    ] {
        let env = TestEnv::with_token(&bao, "secret/k", more).await;
        env.helper()
            .await
            .failed(2, &[&is("secret", kv2, ""), hint]);
    }
    // A token for all of the mount point: 404.
    bao.set_policy("reader", &[("kv1/data/k", "read"), ("secret/*", "read")])
        .await;
    let env = TestEnv::with_token(&bao, "secret/k", "kv = 1").await;
    env.helper().await.failed(2, &[&is("secret", kv2, kv1)]);
    // The policy allows reading it at kv1/k alone: 403.
    bao.set_policy("reader", &[("kv1/k", "read")]).await;
    let env = TestEnv::with_token(&bao, "kv1/k", "").await;
    env.helper().await.failed(2, &[&is("kv1", kv1, kv2)]);
    let token = env.path("secrets/token");
    let auth = token_auth(token.to_str().unwrap());
    env.write_config(&vault_config(&bao.url(), "nowhere/k", "", &auth));
    env.helper()
        .await
        .failed(5, &["denied access to 'nowhere/data/k'", "(403)"]);
}

/// Vault's API has `data` after the mount point, its command line and `path` do not.
#[tokio::test]
async fn a_path_of_the_api_is_reported() {
    let bao = Bao::start_with_key("team/k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/data/team/k", "").await;
    env.helper().await.failed(
        5,
        &[
            "no secret at 'secret/data/data/team/k'",
            "(404; write 'path' without the 'data/' of Vault's API)",
        ],
    );
    env.edit_config(|config| config.replace("secret/data/", "secret/"));
    env.helper().await.printed(KEY);
    // It is the path of a secret, too.
    bao.put("data/team/k", json!({"api_key": "sk-other"})).await;
    env.edit_config(|config| config.replace("secret/", "secret/data/"));
    env.helper().await.printed("sk-other");
}
