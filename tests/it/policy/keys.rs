//! The pinned keys, and the file of the signing key.

use std::path::Path;

use super::{Engineer, openssl};
use crate::support::{
    namespace::{Namespace, User},
    test_env::set_mode,
};

const PASSWORD: &str = "a password with blanks";

#[tokio::test]
async fn the_configuration_pins_the_keys() {
    let engineer = Engineer::new();
    let env = &engineer.env;
    let public = engineer.public_key(&engineer.key).await;
    let file = engineer.file("policy.jws", &engineer.signed(&engineer.policy).await);
    let config =
        "[profile.p]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\ncommand = [\"/bin/key\"]\n";
    env.write_config(config);
    let verify = ["policy", "verify", &file];
    env.claviger(&verify)
        .await
        .failed(2, &["pins no key", "--public-key"]);
    let pin = |minimum: u64| {
        format!("{config}[policy]\npublic_keys = [\"{public}\"]\nminimum_counter = {minimum}\n")
    };
    env.write_config(&pin(42));
    env.claviger(&verify).await.succeeded();
    env.write_config(&pin(43));
    let output = env.claviger(&verify).await;
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output.stderr.contains("at least 43 is required"),
        "{output:?}"
    );
}

/// A user who may have a configuration pins no key of the user's own.
#[tokio::test]
async fn the_managed_configuration_pins_the_keys_of_all_users() {
    let engineer = Engineer::new();
    let public = engineer.public_key(&engineer.key).await;
    let text = engineer.signed(&engineer.policy).await;
    let namespace = Namespace::new();
    let config = |key: &str| {
        format!(
            "version = 1\nallow_user_config = true\n[policy]\npublic_keys = [\"{key}\"]\n\
             [profile.p]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\ncommand = [\"/bin/key\"]\n"
        )
    };
    let other = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    namespace.write("/etc/claviger/config.toml", User::Root, &config(other));
    namespace.directory("/home/ana/.config", User::Ana, 0o700);
    namespace.directory("/home/ana/.config/claviger", User::Ana, 0o700);
    namespace.write(
        "/home/ana/.config/claviger/config.toml",
        User::Ana,
        &config(&public),
    );
    namespace.write("/home/ana/policy.jws", User::Ana, &text);
    let args = ["policy", "verify", "/home/ana/policy.jws"];
    let output = namespace.run(User::Ana, "claviger", &args, &[]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output.stderr.contains("not one of the pinned keys"),
        "{output:?}"
    );
    namespace.write("/etc/claviger/config.toml", User::Root, &config(&public));
    namespace.run(User::Ana, "claviger", &args, &[]).succeeded();
}

#[tokio::test]
async fn the_signing_key_is_judged_as_a_secret() {
    let engineer = Engineer::new();
    let env = &engineer.env;
    let sign = ["policy", "sign", &engineer.policy, "--key", &engineer.key];
    let mode = |mode| set_mode(Path::new(&engineer.key), mode);
    mode(0o644);
    let output = env.claviger(&sign).await;
    let expected = format!("warning: others can read '{}' (mode 0644).\n", engineer.key);
    assert_eq!((output.code, output.stderr), (Some(0), expected));
    mode(0o666);
    env.claviger(&sign)
        .await
        .failed(2, &["writable by others", "hint: "]);
    mode(0o600);

    let encrypted = env
        .path("secrets/encrypted.pem")
        .to_str()
        .unwrap()
        .to_owned();
    let pass = format!("pass:{PASSWORD}");
    let encrypt = [
        "pkey",
        "-in",
        &engineer.key,
        "-aes-256-cbc",
        "-passout",
        &pass,
    ];
    openssl(&[&encrypt[..], &["-out", &encrypted]].concat());
    set_mode(Path::new(&encrypted), 0o600);
    let sign = ["policy", "sign", &engineer.policy, "--key", &encrypted];
    env.claviger(&sign)
        .await
        .failed(2, &["is encrypted", "--password-file"]);
    let password = env.write_secret_file("password", PASSWORD);
    let args = [&sign[..], &["--password-file", &password]].concat();
    let text = env.claviger(&args).await.succeeded().to_owned();
    let file = engineer.file("policy.jws", &text);
    let public = engineer.public_key(&engineer.key).await;
    env.claviger(&["policy", "verify", &file, "--public-key", &public])
        .await
        .succeeded();

    let rsa = env.path("secrets/rsa.pem").to_str().unwrap().to_owned();
    openssl(&[
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-out",
        &rsa,
    ]);
    let sign = ["policy", "sign", &engineer.policy, "--key", &rsa];
    env.claviger(&sign)
        .await
        .failed(2, &["is not an Ed25519 private key", "openssl genpkey"]);
}
