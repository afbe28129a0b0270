//! JWTs that Claviger signs, verified by OpenBao and made with OpenSSL's keys.

use std::{collections::BTreeMap, process::Command};

use jsonwebtoken::dangerous::insecure_decode;
use serde_json::{Map, Value};

use crate::support::{KEY, TestEnv, bao::Bao, vault_config::vault_config};

const PASSWORD: &str = "a password with blanks";

/// Runs openssl and returns what it prints.
fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// An encrypted private key for `algorithm`, and the public key.
fn encrypted_key(algorithm: &[&str]) -> (String, String) {
    let pass = format!("pass:{PASSWORD}");
    let encrypt = ["-aes-256-cbc", "-pass", &pass];
    let private = openssl(&[&["genpkey"][..], algorithm, &encrypt].concat());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, &private).unwrap();
    let file = file.to_str().unwrap();
    let public = openssl(&["pkey", "-pubout", "-passin", &pass, "-in", file]);
    (private, public)
}

/// The profile `minted`, and the keys of its source that are not the same in all tests.
fn minted(env: &TestEnv, algorithm: &str, private: &str, more: &str) -> String {
    env.add_secret(PASSWORD);
    let key = env.write_file("signing.pem", private);
    let password = env.write_file("password", &format!("{PASSWORD}\n"));
    format!(
        "[profile.minted]\nsource = \"minted\"\n\n[source.minted]\ntype = \"jwt\"\nalgorithm = \"{algorithm}\"\n\
         key_file = \"{key}\"\nkey_password_file = \"{password}\"\nsubject = \"ana\"\n{more}\n"
    )
}

#[tokio::test]
async fn a_verifier_accepts_every_algorithm_with_an_encrypted_key() {
    for (algorithm, key) in [
        (
            "ES512",
            &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"][..],
        ),
        (
            "ES256",
            &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        ),
        (
            "PS384",
            &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        ),
        ("EdDSA", &["-algorithm", "ed25519"]),
    ] {
        let bao = Bao::start_with_key("k", KEY).await;
        let (private, public) = encrypted_key(key);
        bao.enable_jwt(&public, "vault").await;
        let env = TestEnv::new();
        env.add_secret(KEY);
        let more = "audience = [\"llm-gateway\", \"vault\"]\nnot_before = true";
        let minted = minted(&env, algorithm, &private, more);
        let chained = "method = \"jwt\", role = \"dev\", jwt_source = \"minted\"";
        let vault = vault_config(&bao.url(), "secret/k", "", chained);
        env.write_config(&format!("{vault}{minted}"));
        env.helper().await.printed(KEY);
        assert_eq!(bao.count("update", "auth/jwt/login"), 1, "{algorithm}");
    }
}

/// A gateway whose clock is 30 s behind accepts the token, whether it looks at `iat` or `nbf`.
#[tokio::test]
async fn the_times_leave_a_gateway_its_leeway() {
    let env = TestEnv::new();
    let (private, _) = encrypted_key(&["-algorithm", "ed25519"]);
    let keys = minted(&env, "EdDSA", &private, "ttl = \"10m\"\nnot_before = true");
    env.write_config(&keys);
    let claims = issued(&env).await;
    assert_eq!(claims["iat"], claims["now"] - 30);
    assert_eq!(claims["nbf"], claims["iat"]);
    assert_eq!(claims["exp"], claims["now"] + 600);

    env.write_config(&format!("{keys}leeway = \"0s\"\n"));
    let claims = issued(&env).await;
    assert_eq!(claims["iat"], claims["now"]);
    assert_eq!(claims["exp"], claims["now"] + 600);
}

/// The times in the current token, and `now`, when it was signed.
async fn issued(env: &TestEnv) -> BTreeMap<&'static str, i64> {
    let token = env.helper().await;
    let claims = insecure_decode::<Map<String, Value>>(token.succeeded().trim()).unwrap();
    let issued_at = env.status().await["profiles"][0]["issued_at"].clone();
    let issued_at: jiff::Timestamp = issued_at.as_str().unwrap().parse().unwrap();
    ["iat", "nbf", "exp"]
        .map(|claim| (claim, claims.claims[claim].as_i64().unwrap()))
        .into_iter()
        .chain([("now", issued_at.as_second())])
        .collect()
}

#[tokio::test]
async fn a_wrong_password_is_named_and_not_shown() {
    let env = TestEnv::new();
    let (private, _) = encrypted_key(&["-algorithm", "ed25519"]);
    env.write_config(&minted(&env, "EdDSA", &private, ""));
    env.write_file("password", "hunter2-hunter2");
    env.add_secret("hunter2-hunter2");
    env.helper().await.failed(
        2,
        &["signing.pem' cannot be decrypted with the password in the file '"],
    );
    env.write_file("password", PASSWORD);
    env.claviger(&["refresh"]).await.succeeded();
}
