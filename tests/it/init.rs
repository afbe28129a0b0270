//! `claviger init` and `claviger config show`, the commands that write and print a configuration.

use std::{fs, os::unix::fs::MetadataExt as _, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::Command,
    time::timeout,
};

use crate::support::{
    Bao, KEY, TestEnv,
    identity_provider::{PASSWORD, PUBLIC_CLIENT, Person},
    oidc_provider::OidcProvider,
    secret_service::{KEYRING_PASSWORD, SecretService},
};

const TENANT: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const APP: &str = "6e1f8c52-77f0-4c0e-9a39-27b1a8e0d8aa";

/// The flags of a configuration with Entra and LiteLLM, without `--no-try`.
fn entra(tenant: &str) -> Vec<String> {
    let flags = [
        "init",
        "--preset=entra",
        "--gateway=litellm",
        "--gateway-url=https://litellm.example.com",
        "--yes",
    ];
    let values = [
        format!("--client-id={APP}"),
        format!("--set=tenant={tenant}"),
    ];
    flags.map(str::to_owned).into_iter().chain(values).collect()
}

fn with<'a>(flags: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    flags
        .iter()
        .map(String::as_str)
        .chain(more.iter().copied())
        .collect()
}

/// Runs the command in a pseudo-terminal whose user types `input`; returns what it shows and the
/// exit code.
async fn on_terminal(env: &TestEnv, args: &[&str], input: &str) -> (String, Option<i32>) {
    let command = env.command("claviger", args);
    let line = format!(
        "'{}' {}",
        command.as_std().get_program().display(),
        args.join(" ")
    );
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).env_clear();
    for (name, value) in command.as_std().get_envs() {
        script.env(name, value.unwrap());
    }
    let mut child = script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = timeout(Duration::from_secs(20), child.wait_with_output());
    let output = output.await.expect("it ends").unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    env.record_output("the terminal", &shown);
    (shown, output.status.code())
}

/// The names in the directory of the configuration.
fn files(env: &TestEnv) -> Vec<String> {
    let entries = fs::read_dir(env.path("config/claviger")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_key_in_vault_is_set_up_by_one_command() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let token = env.write_secret_file("token", &bao.create_token(json!({})).await);
    let address = format!("address={}", bao.url());
    let file = format!("token_file={token}");
    let output = env
        .claviger(&[
            "init",
            "--source",
            "vault",
            "--gateway-url",
            "http://127.0.0.1:9",
            "--set",
            &address,
            "--set",
            "path=secret/k",
            "--set",
            &file,
            "--non-interactive",
        ])
        .await;
    let stdout = output.succeeded();
    for part in [
        "wrote ",
        "valid; 1 profile and 1 source",
        "\"ANTHROPIC_BASE_URL\": \"http://127.0.0.1:9\"",
        "claviger-helper\"",
        "Trying it:",
        "ready",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    let mode = fs::metadata(env.config_file()).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    env.helper().await.printed(KEY);
}

/// With the address of a page, or without a display with a code.
#[tokio::test]
async fn a_source_with_a_user_is_tried_by_a_sign_in() {
    let provider = OidcProvider::start().await;
    for (flags, page) in [
        (&["--no-browser"][..], "/auth?"),
        (&[], "/device?user_code="),
    ] {
        // The daemon, whose bus is the one of the test, runs before.
        let env = TestEnv::with_fixed_key();
        env.add_secret(PASSWORD);
        env.add_secret(KEYRING_PASSWORD);
        let _service = SecretService::start(&env.path("run")).await;
        let _daemon = env.start_daemon().await;
        let issuer = format!("--set=ping_url={}", provider.issuer());
        let client = format!("--client-id={PUBLIC_CLIENT}");
        let init = [
            "init",
            "--preset=ping",
            "--gateway-url=http://127.0.0.1:9",
            "--yes",
            "--force",
        ];
        let args = [&init[..], &[issuer.as_str(), &client], flags].concat();
        let mut child = env.command("claviger", &args).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut shown = String::new();
        let url = loop {
            let line = timeout(Duration::from_secs(20), lines.next_line()).await;
            let line = line.expect("the page in time").unwrap();
            let line = line.unwrap_or_else(|| panic!("ended before the page: {shown}"));
            env.record_output("claviger init's stderr", &line);
            shown.push_str(&line);
            if line.contains(page) {
                break line.trim().to_owned();
            }
        };
        Person::new().sign_in(&url).await;
        let mut stdout = String::new();
        let pipe = child.stdout.as_mut().unwrap();
        pipe.read_to_string(&mut stdout).await.unwrap();
        env.record_output("claviger init's stdout", &stdout);
        assert_eq!(child.wait().await.unwrap().code(), Some(0), "{stdout}");
        for part in ["Trying it:", "signed in to source", "as ana", "ready"] {
            assert!(stdout.contains(part), "{part}: {stdout}");
        }
        env.add_secret(env.helper().await.succeeded());
    }
}

#[tokio::test]
async fn a_preset_prints_what_administrators_must_enter() {
    let env = TestEnv::new();
    let flags = entra(TENANT);
    let output = env.claviger(&with(&flags, &["--no-try"])).await;
    let words: Vec<_> = output.succeeded().split_whitespace().collect();
    let stdout = words.join(" ");
    for part in [
        "For the administrator of Microsoft Entra ID:",
        "http://127.0.0.1/callback",
        "For the administrator of LiteLLM proxy:",
        &format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        &format!(
            "JWT_PUBLIC_KEY_URL=https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"
        ),
        "user_id_jwt_field: oid",
        "To sign in, run claviger login default",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    env.claviger(&["config", "check"]).await.succeeded();
}

#[tokio::test]
async fn a_file_that_exists_is_replaced_only_if_told_to() {
    let env = TestEnv::new();
    let flags = entra(TENANT);
    env.claviger(&with(&flags, &["--no-try"])).await.succeeded();
    let before = fs::read_to_string(env.config_file()).unwrap();
    let other = entra("00000000-4f89-41d3-9a0c-0305e82c3301");
    let refused = env.claviger(&with(&other, &["--no-try"])).await;
    refused.failed(
        2,
        &["exists already", "hint: name another file with --file"],
    );
    assert_eq!(fs::read_to_string(env.config_file()).unwrap(), before);

    env.claviger(&with(&other, &["--no-try", "--force"]))
        .await
        .succeeded();
    let backup = env.path("config/claviger/config.toml.backup-1");
    assert_eq!(fs::read_to_string(backup).unwrap(), before);
    assert_ne!(fs::read_to_string(env.config_file()).unwrap(), before);

    // Elsewhere, without the daemon.
    let elsewhere = env.path("home/new.toml");
    let elsewhere = format!("--file={}", elsewhere.display());
    let output = env.claviger(&with(&flags, &[&elsewhere])).await;
    assert!(!output.succeeded().contains("Trying it"), "{output:?}");
    let printed = env.claviger(&with(&flags, &["--dry-run"])).await;
    assert_eq!(printed.succeeded(), before);
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_said_and_nothing_is_written() {
    let env = TestEnv::new();
    let none = env.claviger(&["init"]).await;
    none.failed(2, &["expected a source of keys", "--preset IDP"]);
    let some = env
        .claviger(&["init", "--preset=okta", "--set=server=llm"])
        .await;
    some.failed(2, &["--gateway-url ", "--set org=", "--client-id "]);
    let wrong = env.claviger(&with(&entra("common"), &[])).await;
    wrong.failed(2, &["'tenant': expected a value such as"]);
    let unknown = env.claviger(&["init", "--preset=oktaa"]).await;
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("okta"), "{unknown:?}");
    assert_eq!(files(&env), [""; 0]);
}

#[tokio::test]
async fn a_terminal_is_asked_for_what_flags_leave_open() {
    let env = TestEnv::new();
    let args = ["init", "--preset", "auth0", "--no-try"];
    let input = "1\nhttps://litellm.example.com/v1\nhttps://litellm.example.com\n\
                 https://example.eu.auth0.com/\nabc\nhttps://llm.example.com\n";
    let (shown, code) = on_terminal(&env, &args, input).await;
    assert_eq!(code, Some(0), "{shown}");
    for part in [
        "Which gateway accepts them?",
        "ends in '/v1'",
        "for example example.eu.auth0.com",
        "http://127.0.0.1:8419/callback",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let config = fs::read_to_string(env.config_file()).unwrap();
    assert!(
        config.contains("issuer = \"https://example.eu.auth0.com/\""),
        "{config}"
    );
    env.claviger(&["config", "check"]).await.succeeded();
}

#[tokio::test]
async fn an_end_of_input_or_ctrl_c_writes_nothing() {
    let env = TestEnv::new();
    let args = ["init", "--preset", "okta", "--gateway", "kong"];
    let (shown, code) = on_terminal(&env, &args, "https://kong.example.com\n\u{4}").await;
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("cancelled; nothing was written"), "{shown}");
    let (shown, code) = on_terminal(&env, &args, "https://kong.example.com\n\u{3}").await;
    assert_ne!(code, Some(0), "{shown}");
    assert_eq!(files(&env), [""; 0]);
}

#[tokio::test]
async fn what_is_shown_is_a_configuration_and_names_its_origins() {
    let env = TestEnv::with_config(
        "[profile.default]\nsource = \"sso\"\n[source.sso]\ntype = \"oauth\"\npreset = \"okta\"\n\
         issuer = \"https://example.okta.com/oauth2/default\"\nclient_id = \"c\"\n",
    );
    let show = async |args: &[&str]| {
        let output = env.claviger(&[&["config", "show"], args].concat()).await;
        output.succeeded().to_owned()
    };
    let file = env.config_file();
    let with_origins = show(&["--origin"]).await;
    for line in [
        format!("client_id = \"c\"  # {}:8:1\n", file.display()),
        "redirect_port = 8419  # preset 'okta'\n".to_owned(),
        "max_age = \"12h\"  # default\n".to_owned(),
    ] {
        assert!(with_origins.contains(&line), "{line}: {with_origins}");
    }
    let json: Value = serde_json::from_str(&show(&["--json"]).await).unwrap();
    let of_preset = json!({"kind": "preset", "preset": "okta"});
    let values = json["values"].as_array().unwrap();
    assert!(
        values.iter().any(|value| value["origin"] == of_preset),
        "{json}"
    );

    let plain = show(&[]).await;
    assert!(!plain.contains('#'), "{plain}");
    env.write_raw_config(&plain);
    env.claviger(&["config", "check"]).await.succeeded();
    assert_eq!(show(&[]).await.lines().count(), plain.lines().count());

    env.write_config("x = 1\n");
    let wrong = env.claviger(&["config", "show"]).await;
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(2), ""));
    assert!(wrong.stderr.contains("unknown key 'x'"), "{wrong:?}");
}
