//! The signing key in the transit engine of a real OpenBao.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use super::Engineer;
use crate::support::{bao::Bao, test_env::set_mode, tls::Ca};

const SIGNER: [(&str, &str); 2] = [
    ("transit/keys/policy", "read"),
    ("transit/sign/policy", "update"),
];

/// A machine whose environment is that of Vault's own command.
async fn with_vault(bao: &Bao, capabilities: &[(&str, &str)]) -> Engineer {
    let engineer = Engineer::new();
    bao.set_policy("signer", capabilities).await;
    let token = bao.create_token(json!({"policies": ["signer"]})).await;
    engineer.env.write_secret_file("token", &token);
    let token_file = engineer.env.path("home/.vault-token");
    engineer.env.write_input(&token_file, &token);
    set_mode(&token_file, 0o600);
    engineer.env.set_variable("VAULT_ADDR", &bao.url());
    engineer
}

#[tokio::test]
async fn vault_signs_with_each_version_of_a_rotated_key() {
    let bao = Bao::start().await;
    bao.write("sys/mounts/transit", json!({"type": "transit"}))
        .await;
    bao.write("transit/keys/policy", json!({"type": "ed25519"}))
        .await;
    let engineer = with_vault(&bao, &SIGNER).await;
    let env = &engineer.env;
    let transit = ["--transit", "transit/policy"];
    let public = async |more: &[&str]| {
        let args = [&["policy", "public-key"], &transit[..], more].concat();
        env.claviger(&args).await.succeeded().trim().to_owned()
    };
    let sign = async |more: &[&str]| {
        let args = [&["policy", "sign", &engineer.policy], &transit[..], more].concat();
        let text = env.claviger(&args).await.succeeded().to_owned();
        engineer.file("policy.jws", &text)
    };
    let first = public(&[]).await;
    let file = sign(&[]).await;
    env.claviger(&["policy", "verify", &file, "--public-key", &first])
        .await
        .succeeded();

    bao.write("transit/keys/policy/rotate", json!({})).await;
    let second = public(&[]).await;
    assert_ne!(first, second);
    assert_eq!(public(&["--key-version", "1"]).await, first);
    // Before all machines have pinned the new version, the old one signs.
    let token = env.path("secrets/token").to_str().unwrap().to_owned();
    fs::remove_file(env.path("home/.vault-token")).unwrap();
    for (more, valid_by, other) in [
        (
            &["--key-version", "1", "--token-file", &token][..],
            &first,
            &second,
        ),
        (&["--token-file", &token], &second, &first),
    ] {
        let file = sign(more).await;
        env.claviger(&["policy", "verify", &file, "--public-key", valid_by])
            .await
            .succeeded();
        let both = [
            "policy",
            "verify",
            &file,
            "--public-key",
            other,
            "--public-key",
            valid_by,
        ];
        env.claviger(&both).await.succeeded();
        let output = env
            .claviger(&["policy", "verify", &file, "--public-key", other])
            .await;
        assert_eq!(output.code, Some(1), "{output:?}");
    }
    let args = [
        &[
            "policy",
            "public-key",
            "--key-version",
            "7",
            "--token-file",
            &token,
        ],
        &transit[..],
    ];
    env.claviger(&args.concat())
        .await
        .failed(2, &["has no version 7", "1, 2"]);
    assert_eq!(bao.count("update", "transit/sign/policy"), 3);
}

#[tokio::test]
async fn what_vault_lacks_is_named() {
    let bao = Bao::start().await;
    bao.write("sys/mounts/transit", json!({"type": "transit"}))
        .await;
    bao.write("transit/keys/policy", json!({"type": "ed25519"}))
        .await;
    bao.write("transit/keys/rsa", json!({"type": "rsa-2048"}))
        .await;
    let rules = [
        SIGNER[0],
        ("transit/keys/rsa", "read"),
        ("transit/keys/other", "read"),
    ];
    let engineer = with_vault(&bao, &rules).await;
    let env = &engineer.env;
    let sign = async |key: &str| {
        let args = ["policy", "sign", &engineer.policy, "--transit", key];
        env.claviger(&args).await
    };
    let host = bao.host();
    sign("transit/policy").await.failed(
        7,
        &[
            &host,
            "refused 'transit/sign/policy' (403)",
            "update 'transit/sign/policy'",
        ],
    );
    sign("transit/rsa")
        .await
        .failed(2, &["is of the type 'rsa-2048'", "type=ed25519"]);
    sign("transit/other")
        .await
        .failed(2, &["(404)", "vault write -f transit/keys/other"]);
    let output = sign("policy").await;
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(output.stderr.contains("expected MOUNT/KEY"), "{output:?}");
    env.set_variable("VAULT_ADDR", "http://vault.example.com:8200");
    sign("transit/policy")
        .await
        .failed(2, &["VAULT_ADDR", "expected 'https'"]);
    env.set_variable("VAULT_ADDR", "http://127.0.0.1:1");
    sign("transit/policy")
        .await
        .failed(5, &["'127.0.0.1:1' refused the connection"]);
    env.set_variable("VAULT_ADDR", "");
    sign("transit/policy")
        .await
        .failed(2, &["VAULT_ADDR is not set"]);
    env.set_variable("VAULT_ADDR", &bao.url());
    fs::remove_file(env.path("home/.vault-token")).unwrap();
    sign("transit/policy")
        .await
        .failed(2, &["no token for Vault", "VAULT_TOKEN"]);
    let (status, _) = bao.api(Method::POST, "sys/seal", Value::Null).await;
    assert!(status < 300);
    env.set_variable("VAULT_TOKEN", "hvs.0123456789");
    sign("transit/policy")
        .await
        .failed(5, &[&host, "(503)", "unsealed"]);
}

#[tokio::test]
async fn vault_is_reached_over_tls_and_with_a_namespace() {
    let ca = Ca::new("Corp Root");
    let bao = Bao::start_with_tls(&ca).await;
    bao.write("sys/namespaces/eng", json!({})).await;
    let in_namespace = [("X-Vault-Namespace", "eng")];
    for (path, body) in [
        ("sys/mounts/teams/transit", json!({"type": "transit"})),
        ("teams/transit/keys/policy", json!({"type": "ed25519"})),
    ] {
        let (status, answer) = bao.api_with(Method::POST, path, body, &in_namespace).await;
        assert!(status < 300, "{path}: {status} {answer}");
    }
    let rules = [
        ("eng/teams/transit/keys/policy", "read"),
        ("eng/teams/transit/sign/policy", "update"),
    ];
    let engineer = with_vault(&bao, &rules).await;
    let env = &engineer.env;
    env.set_variable("VAULT_ADDR", &bao.tls_url());
    env.set_variable("VAULT_NAMESPACE", "eng");
    let transit = ["--transit", "teams/transit/policy"];
    let sign = [&["policy", "sign", &engineer.policy], &transit[..]].concat();
    env.claviger(&sign)
        .await
        .failed(5, &["signed by an untrusted CA", "hint: set VAULT_CACERT"]);
    env.set_variable("VAULT_CACERT", &engineer.file("ca.pem", &ca.pem));
    let text = env.claviger(&sign).await.succeeded().to_owned();
    let args = [&["policy", "public-key"], &transit[..]].concat();
    let public = env.claviger(&args).await.succeeded().trim().to_owned();
    let file = engineer.file("policy.jws", &text);
    let verify = ["policy", "verify", &file, "--public-key", &public];
    env.claviger(&verify).await.succeeded();
}
