//! `claviger config check`: it refuses what the daemon refuses, and warns of what is questionable.

use std::{path::Path, time::Duration};

use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::Value;

use crate::support::{
    TestEnv,
    poll::timed,
    vault_config::{approle_auth, token_auth, vault_config},
};

const ADDRESS: &str = "https://vault.example.com";

/// A machine with the key of a token in `secrets/token`.
fn with_token(path: &str, more: &str) -> TestEnv {
    let env = TestEnv::new();
    let token = env.write_secret_file("token", "hvs.0123456789\n");
    env.write_config(&vault_config(ADDRESS, path, more, &token_auth(&token)));
    env
}

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, mode).unwrap();
}

fn fifo(path: &Path) {
    let _ = std::fs::remove_file(path);
    mkfifoat(CWD, path, Mode::from_raw_mode(0o600)).unwrap();
}

/// Checks the user's configuration, which has errors; returns them.
async fn errors(env: &TestEnv) -> String {
    let (output, took) = timed(env.claviger(&["config", "check"])).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(2), ""),
        "{output:?}"
    );
    for line in output.stderr.lines() {
        assert!(line.starts_with("claviger: "), "{line}");
    }
    output.stderr
}

/// Checks the user's configuration, which is valid; returns the warnings.
async fn warnings(env: &TestEnv) -> String {
    let output = env.claviger(&["config", "check"]).await;
    assert_eq!(output.code, Some(0), "{output:?}");
    let lines = output.stderr.lines().count();
    let start = format!("warning: {}:", env.config_file().display());
    assert!(
        output.stderr.lines().all(|line| line.starts_with(&start)),
        "{output:?}"
    );
    let summary = match lines {
        0 => ": valid; 1 profile and 1 source\n".to_owned(),
        1 => ": valid; 1 profile and 1 source; 1 warning\n".to_owned(),
        _ => format!(": valid; 1 profile and 1 source; {lines} warnings\n"),
    };
    assert!(output.stdout.ends_with(&summary), "{output:?}");
    output.stderr
}

#[tokio::test]
async fn a_configuration_that_the_daemon_refuses_is_not_valid() {
    let env = with_token("secret/k", "");
    assert_eq!(warnings(&env).await, "");
    let file = env.config_file();
    let named = file.to_str().unwrap().to_owned();
    let of_file = ["config", "check", named.as_str()];
    env.claviger(&of_file).await.succeeded();

    set_mode(&file, 0o666);
    env.helper()
        .await
        .failed(2, &["is writable by others (mode 0666)"]);
    for args in [&of_file[..2], &of_file] {
        env.claviger(args).await.failed(
            2,
            &["is writable by others (mode 0666)", "hint: chmod go-w"],
        );
    }
    set_mode(&file, 0o600);
    std::os::unix::fs::chown(&file, Some(4242), None).unwrap();
    for args in [&of_file[..2], &of_file] {
        env.claviger(args)
            .await
            .failed(2, &["is owned by uid 4242"]);
    }
    fifo(&file);
    for args in [&of_file[..2], &of_file] {
        let (output, took) = timed(env.claviger(args)).await;
        output.failed(2, &["cannot read", "not a regular file"]);
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    env.write_raw_config(&"#".repeat((1 << 20) + 1));
    env.claviger(&of_file)
        .await
        .failed(2, &["larger than 1048576 bytes"]);
}

#[tokio::test]
async fn a_secret_file_that_a_source_refuses_is_an_error() {
    let env = with_token("secret/k", "");
    let token = env.path("secrets/token");
    let at = format!(
        "claviger: {}:11:28: 'token_file' in [source.vault.auth]: '{}' ",
        env.config_file().display(),
        token.display()
    );
    std::fs::remove_file(&token).unwrap();
    assert_eq!(errors(&env).await, format!("{at}does not exist.\n"));
    for (content, problem) in [
        (&b"\n"[..], "is empty"),
        (b"null\n", "is null, which means that there is no value"),
        (b"\xff\xfeh\0v\0", "is UTF-16 text; expected UTF-8"),
    ] {
        std::fs::write(&token, content).unwrap();
        set_mode(&token, 0o600);
        assert_eq!(errors(&env).await, format!("{at}{problem}.\n"));
        // As the daemon reports it.
        env.helper().await.failed(2, &[problem]);
        env.claviger(&["stop"]).await.succeeded();
    }
    env.write_file("token", "hvs.0123456789");
    set_mode(&token, 0o622);
    let problem = errors(&env).await;
    assert!(
        problem.contains("is writable by others (mode 0622)"),
        "{problem}"
    );
    set_mode(&token, 0o600);
    std::os::unix::fs::chown(&token, Some(4242), None).unwrap();
    let problem = errors(&env).await;
    assert!(problem.contains("is owned by uid 4242"), "{problem}");
    fifo(&token);
    assert_eq!(errors(&env).await, format!("{at}is not a regular file.\n"));
    std::fs::remove_file(&token).unwrap();
    env.write_file("token", "hvs.0123456789");
    set_mode(&token, 0o644);
    let warning = warnings(&env).await;
    assert!(
        warning.contains("is readable by others (mode 0644)"),
        "{warning}"
    );
}

#[tokio::test]
async fn every_mistake_of_every_file_is_reported() {
    let env = TestEnv::new();
    let program = env.write_file("program", "#!/bin/sh\n");
    let large = env.write_file("large.pem", &"#".repeat(5 << 20));
    let config = vault_config(
        ADDRESS,
        "secret/k",
        &format!("ca_file = \"{large}\""),
        &approle_auth("r", "/nowhere/secret-id"),
    );
    env.write_config(&format!(
        "{config}[source.exec]\ntype = \"exec\"\ncommand = [\"{program}\"]\n\
         [source.gone]\ntype = \"exec\"\ncommand = [\"/nowhere/key\"]\n\
         [source.jwt]\ntype = \"jwt\"\nalgorithm = \"HS256\"\nkey_file = \"/nowhere/key\"\n"
    ));
    let errors = errors(&env).await;
    let problems = [
        "is larger than 4096 KiB".to_owned(),
        "'/nowhere/secret-id' does not exist".to_owned(),
        format!("'command' in [source.exec]: '{program}' is not executable by this user"),
        "'command' in [source.gone]: '/nowhere/key' does not exist".to_owned(),
        "'key_file' in [source.jwt]: '/nowhere/key' does not exist".to_owned(),
    ];
    for (line, problem) in errors.lines().zip(&problems) {
        assert!(line.contains(problem), "{line} {problem}");
    }
    assert_eq!(errors.lines().count(), problems.len(), "{errors}");
    set_mode(&program, 0o777);
    let errors = self::errors(&env).await;
    assert!(errors.contains(&format!("'{program}' is writable by others (mode 0777)")));
}

#[tokio::test]
async fn placeholders_are_resolved_before_a_file_is_checked() {
    let env = with_token("secret/k", "");
    let user = std::process::Command::new("id")
        .arg("-un")
        .output()
        .unwrap();
    let user = String::from_utf8(user.stdout).unwrap();
    let token = env.write_secret_file(&format!("token-{}", user.trim()), "hvs.0123456789");
    let template = token.replace(user.trim(), "{user}");
    env.edit_config(|config| {
        config.replace(env.path("secrets/token").to_str().unwrap(), &template)
    });
    assert_eq!(warnings(&env).await, "");
    std::fs::remove_file(&token).unwrap();
    let error = errors(&env).await;
    assert!(
        error.contains(&format!("'{token}' does not exist")),
        "{error}"
    );

    env.write_input(&env.path("home/token"), "hvs.0123456789");
    set_mode(env.path("home/token"), 0o600);
    env.edit_config(|config| config.replace(&template, "~/token"));
    assert_eq!(warnings(&env).await, "");
    env.edit_config(|config| config.replace("~/token", "~ana/token"));
    let error = errors(&env).await;
    assert!(
        error.contains("expected an absolute path or '~/PATH'"),
        "{error}"
    );

    // A client has its own environment.
    env.edit_config(|config| config.replace("token_file = \"~ana/token\"", "token_env = \"VT\""));
    let warning = warnings(&env).await;
    assert!(
        warning.contains("the variable is not set in this environment"),
        "{warning}"
    );
    env.set_variable("VT", "hvs.0123456789");
    assert_eq!(warnings(&env).await, "");
}

#[tokio::test]
async fn what_is_probably_not_meant_is_a_warning() {
    let env = with_token("secret/data/$TEAM/k", "");
    let warnings = warnings(&env).await;
    let at = format!(
        "warning: {}:8:1: 'path' in [source.vault]: ",
        env.config_file().display()
    );
    assert_eq!(warnings.lines().count(), 2, "{warnings}");
    assert!(
        warnings.lines().all(|line| line.starts_with(&at)),
        "{warnings}"
    );
    assert!(warnings.contains("'$TEAM' is not replaced; expected '{env:TEAM}'"));
    assert!(warnings.contains("has 'data/' after the mount point"));
}

#[tokio::test]
async fn the_result_is_also_available_as_json() {
    let env = with_token("secret/$TEAM", "");
    let check = async || {
        let output = env.claviger(&["config", "check", "--json"]).await;
        assert_eq!(output.stderr, "");
        let json: Value = serde_json::from_str(&output.stdout).unwrap();
        (output.code, json)
    };
    let (code, json) = check().await;
    assert_eq!(code, Some(0));
    assert_eq!(json["valid"], true);
    assert_eq!(json["file"], env.config_file().to_str().unwrap());
    assert_eq!(json["errors"], Value::Array(Vec::new()));
    assert_eq!(
        (&json["warnings"][0]["line"], &json["warnings"][0]["column"]),
        (&8.into(), &1.into())
    );

    std::fs::remove_file(env.path("secrets/token")).unwrap();
    let (code, json) = check().await;
    assert_eq!((code, &json["valid"]), (Some(2), &false.into()));
    assert!(
        json["errors"][0]["message"]
            .as_str()
            .unwrap()
            .ends_with("does not exist")
    );
    assert_eq!(json["warnings"].as_array().unwrap().len(), 1);

    env.write_config("x = 1\n");
    let (code, json) = check().await;
    assert_eq!(
        (code, &json["valid"], &json["errors"][0]["line"]),
        (Some(2), &false.into(), &1.into())
    );
    set_mode(env.config_file(), 0o666);
    let (code, json) = check().await;
    assert_eq!((code, &json["errors"][0]["line"]), (Some(2), &Value::Null));
    assert!(
        json["errors"][0]["hint"]
            .as_str()
            .unwrap()
            .starts_with("chmod go-w")
    );
}
