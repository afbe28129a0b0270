//! Files, directories and variables.

use std::{fs, path::Path};

use super::{Diagnosis, in_shell};
use crate::support::{
    KEY, TestEnv,
    secret_service::SecretService,
    test_env::set_mode,
    vault_config::{token_auth, vault_config},
};

/// What is found without a daemon that is started.
async fn diagnosis(env: &TestEnv) -> Diagnosis {
    Diagnosis::of(env, &["--no-start", "--no-message"]).await
}

fn with_token_file(env: &TestEnv, file: &str) {
    env.write_config(&vault_config(
        "https://127.0.0.1:9",
        "secret/a",
        "",
        &token_auth(file),
    ));
}

#[tokio::test]
async fn a_missing_configuration() {
    let env = TestEnv::new();
    let found = diagnosis(&env).await;
    found.has("machine.config-missing", &["config/claviger/config.toml"]);
    env.write_config("[profile.default]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\ncommand = [\"/bin/true\"]\n");
    diagnosis(&env).await.lacks("machine.config-missing");
}

#[tokio::test]
async fn an_invalid_configuration_with_every_line() {
    let env = TestEnv::new();
    env.write_config(
        "[profile.default]\nsource = \"s\"\nprobee = \"off\"\n[source.s]\ntype = \"exe\"\n",
    );
    let found = diagnosis(&env).await;
    let file = env.config_file();
    let at = |line| format!("{}:{line}:", file.display());
    found.has("machine.config-invalid", &[&at(4), &at(6), "probee"]);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read_or_trusted() {
    let env = TestEnv::with_fixed_key();
    set_mode(&env.config_file(), 0o666);
    let found = diagnosis(&env).await;
    found.has(
        "machine.config-untrusted",
        &["writable by others (mode 0666)"],
    );
    fs::remove_file(env.config_file()).unwrap();
    fs::create_dir(env.config_file()).unwrap();
    diagnosis(&env)
        .await
        .has("machine.config-unreadable", &["not a regular file"]);
}

#[tokio::test]
async fn files_that_the_configuration_names() {
    let env = TestEnv::new();
    with_token_file(&env, "/nonexistent/token");
    let found = diagnosis(&env).await;
    found.has(
        "machine.config-names-unusable",
        &["/nonexistent/token", "config.toml:"],
    );

    let token = env.write_secret_file("token", "hvs.0123456789");
    set_mode(Path::new(&token), 0o644);
    with_token_file(&env, &token);
    let found = diagnosis(&env).await;
    found.has("machine.secret-readable", &[&token, "mode 0644"]);
    found.lacks("machine.config-names-unusable");
    set_mode(Path::new(&token), 0o600);
    diagnosis(&env).await.lacks("machine.secret-readable");

    env.edit_config(|text| text.replace("secret/a", "secret/data/a"));
    diagnosis(&env)
        .await
        .has("machine.config-questionable", &["data/"]);
}

#[tokio::test]
async fn variables_and_the_runtime_directory() {
    let env = TestEnv::with_fixed_key();
    env.set_variable("CLAVIGER_PROFILE", "default");
    let found = diagnosis(&env).await;
    let found = found.has("machine.variable-override", &["CLAVIGER_PROFILE"]);
    assert_eq!(found["severity"], "note");

    set_mode(&env.path("run"), 0o777);
    diagnosis(&env)
        .await
        .has("machine.runtime-dir-foreign", &["other users can write it"]);
    set_mode(&env.path("run"), 0o700);
    diagnosis(&env).await.lacks("machine.runtime-dir-foreign");

    env.set_variable("CLAVIGER_CONFIG", "relative.toml");
    diagnosis(&env).await.has(
        "machine.places-unknown",
        &["CLAVIGER_CONFIG", "an absolute path"],
    );
    env.set_variable("CLAVIGER_CONFIG", "");
    let long = format!("/tmp/{}/agent.sock", "x".repeat(110));
    env.set_variable("CLAVIGER_SOCKET", &long);
    diagnosis(&env)
        .await
        .has("machine.socket-path-long", &["at most 107 fit", &long]);
}

#[tokio::test]
async fn an_open_umask() {
    let env = TestEnv::with_fixed_key();
    let script = "umask 0; exec \"$0\" doctor --json --no-start --no-message";
    let output = in_shell(&env, script).await;
    Diagnosis::new(&output).has("machine.umask", &["umask 0000"]);
    diagnosis(&env).await.lacks("machine.umask");
}

#[tokio::test]
async fn a_secret_store_that_is_absent_locked_and_open() {
    let env = TestEnv::new();
    env.write_config(
        "[profile.default]\nsource = \"sso\"\n[source.sso]\ntype = \"oauth\"\n\
         issuer = \"https://127.0.0.1:9\"\nclient_id = \"c\"\n",
    );
    diagnosis(&env)
        .await
        .has("machine.store-unavailable", &["logins of 'sso'"]);
    let service = SecretService::start(&env.path("run")).await;
    let found = diagnosis(&env).await;
    found.lacks("machine.store-unavailable");
    found.lacks("machine.store-locked");
    service.lock();
    diagnosis(&env)
        .await
        .has("machine.store-locked", &["logins of 'sso'"]);
    env.add_secret(KEY);
}
