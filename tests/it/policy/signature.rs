//! Signing and verifying.

use std::fs;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{Engineer, POLICY, json_of, openssl};

#[tokio::test]
async fn a_policy_is_signed_verified_and_shown() {
    let engineer = Engineer::new();
    let env = &engineer.env;
    let public = engineer.public_key(&engineer.key).await;
    let file = env.path("policy.jws").to_str().unwrap().to_owned();
    let args = [
        "policy",
        "sign",
        &engineer.policy,
        "--key",
        &engineer.key,
        "--output",
        &file,
    ];
    let output = env.claviger(&args).await;
    let key_id = json_of(
        env,
        &["policy", "public-key", "--key", &engineer.key, "--json"],
    )
    .await;
    let key_id = key_id["key_id"].as_str().unwrap();
    let expected = format!("{file}: signed; counter 42, key {key_id}\n");
    assert_eq!(output.succeeded(), expected);
    let mode = fs::metadata(&file).unwrap().permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
        0o644
    );

    let verify = ["policy", "verify", &file, "--public-key", &public];
    let output = env.claviger(&verify).await;
    let shown = output.succeeded();
    assert!(
        shown.starts_with(&format!("{file}: valid\n  counter  42\n")),
        "{shown}"
    );
    assert!(shown.contains(key_id), "{shown}");
    let json = json_of(env, &[&verify[..], &["--json"]].concat()).await;
    assert_eq!(
        (&json["valid"], &json["counter"]),
        (&json!(true), &json!(42))
    );
    let again = env
        .claviger(&[&verify[..], &["--previous", &file]].concat())
        .await;
    assert!(
        again.succeeded().contains("the same as before"),
        "{again:?}"
    );

    for file in [&engineer.policy, &file] {
        let shown = env
            .claviger(&["policy", "show", file, "--user", "ana"])
            .await;
        let shown = shown.succeeded();
        for part in [
            "counter          42",
            "at most 71 s",
            "rule 'stolen', for the users ana",
            "For user 'ana' and profile 'default':\n  no keys\n",
            "call 1234 (rule 'stolen'",
            "credentials from before 2026-11-01T20:00:00Z are dropped",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(
            shown.lines().all(|line| line.chars().count() <= 80),
            "{shown}"
        );
        let json = json_of(env, &["policy", "show", file, "--user", "bob", "--json"]).await;
        let in_force = &json["in_force"][0];
        assert_eq!(
            (&json["worst_case_s"], &in_force["allowed"]),
            (&json!(71), &json!(true))
        );
        assert_eq!(in_force["rules"], json!(["rotation"]));
    }
}

/// OpenSSL accepts what Claviger has signed, and the reverse.
#[tokio::test]
async fn openssl_agrees_about_the_signature() {
    let engineer = Engineer::new();
    let env = &engineer.env;
    let public_pem = env.path("public.pem").to_str().unwrap().to_owned();
    openssl(&["pkey", "-pubout", "-in", &engineer.key, "-out", &public_pem]);
    let public = engineer.public_key(&engineer.key).await;
    assert_eq!(engineer.public_key(&public_pem).await, public);

    let text = engineer.signed(&engineer.policy).await;
    let (input, signature) = text.trim().rsplit_once('.').unwrap();
    let [input_file, signature_file] =
        ["input", "signature"].map(|name| env.path(name).to_str().unwrap().to_owned());
    fs::write(&input_file, input).unwrap();
    fs::write(&signature_file, URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let verify = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        &public_pem,
        "-rawin",
    ];
    let files = ["-in", &input_file, "-sigfile", &signature_file];
    let answer = openssl(&[&verify[..], &files].concat());
    assert!(String::from_utf8_lossy(&answer).contains("Verified Successfully"));

    let sign = [
        "pkeyutl",
        "-sign",
        "-inkey",
        &engineer.key,
        "-rawin",
        "-in",
        &input_file,
    ];
    let by_openssl = URL_SAFE_NO_PAD.encode(openssl(&sign));
    let file = engineer.file("by-openssl.jws", &format!("{input}.{by_openssl}"));
    let verify = ["policy", "verify", &file, "--public-key", &public];
    env.claviger(&verify).await.succeeded();
}

#[tokio::test]
async fn a_mistake_is_reported_with_its_place_and_nothing_is_signed() {
    let engineer = Engineer::new();
    let file = engineer.file(
        "policy.toml",
        "version = 1\ncounter = 0\n[rule.a]\nuser = [\"ana\"]\n",
    );
    let args = ["policy", "sign", &file, "--key", &engineer.key];
    let output = engineer.env.claviger(&args).await;
    let expected = format!(
        "claviger: {file}:2:1: 'counter': expected 1 to 9007199254740991, got 0.\n\
         claviger: {file}:4:1: unknown key 'user' in [rule.a]; did you mean 'users'?\n"
    );
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr),
        (Some(2), "", expected)
    );
}

#[tokio::test]
async fn what_is_not_valid_ends_with_1_and_the_reason() {
    let engineer = Engineer::new();
    let public = engineer.public_key(&engineer.key).await;
    let pinned = ["--public-key", public.as_str()];
    let text = engineer.signed(&engineer.policy).await;
    let changed = text.replacen(".eyJ", ".eyK", 1);
    assert_ne!(changed, text);
    assert!(
        engineer
            .invalid(&changed, &pinned)
            .await
            .contains("signature")
    );
    let other = [
        "--public-key",
        "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    ];
    let reason = engineer.invalid(&text, &other).await;
    assert!(reason.contains("is not one of the pinned keys"), "{reason}");
    let reason = engineer.invalid("{}", &pinned).await;
    assert!(reason.contains("compact form"), "{reason}");

    // A rollback, and two policies with one counter.
    let newer = engineer.file("newer.toml", &POLICY.replace("42", "43"));
    let newer = engineer.file("newer.jws", &engineer.signed(&newer).await);
    let with_previous = [&pinned[..], &["--previous", &newer]].concat();
    let reason = engineer.invalid(&text, &with_previous).await;
    assert!(
        reason.contains("counter 42") && reason.contains("has 43"),
        "{reason}"
    );
    let same = engineer.file("same.toml", &POLICY.replace("42", "43").replace("1m", "2m"));
    let same = engineer.signed(&same).await;
    let reason = engineer.invalid(&same, &with_previous).await;
    assert!(
        reason.contains("another policy before has, too"),
        "{reason}"
    );
    let args = [
        "policy",
        "sign",
        &engineer.policy,
        "--key",
        &engineer.key,
        "--previous",
        &newer,
    ];
    engineer.env.claviger(&args).await.failed(
        2,
        &[
            "has the counter 42, and",
            "hint: write a larger 'counter'",
            "44",
        ],
    );
}
