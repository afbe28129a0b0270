//! `claviger configure` and `claviger unconfigure`, without the clients.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, chown, symlink},
};

use serde_json::{Value, json};

use super::fixture::ClientFixture;
use crate::support::{
    answers::MESSAGES,
    claude::ClaudeCode,
    process::{binary, require_root},
};

const SETTINGS: &str = ".claude/settings.json";

/// The user's own settings, with a comment.
const MINE: &str = "{\n  // mine\n  \"model\": \"opus\",\n  \"env\": {\n    \"A\": \"1\"\n  }\n}\n";

fn helper() -> String {
    format!("exec {}", binary("claviger-helper").display())
}

#[tokio::test]
async fn settings_are_written_once_and_taken_back() {
    let fixture = ClientFixture::start().await;
    fixture.write(SETTINGS, MINE);
    fs::set_permissions(fixture.home(SETTINGS), Permissions::from_mode(0o640)).unwrap();

    let diff = fixture.configure(&["claude-code", "--dry-run"]).await;
    let line = format!("+  \"apiKeyHelper\": \"{}\"", helper());
    assert!(diff.contains(&line) && diff.starts_with("--- "), "{diff}");
    assert_eq!(fixture.read(SETTINGS), MINE);

    fixture.configure(&["claude-code"]).await;
    let written = fixture.read(SETTINGS);
    assert!(written.contains("// mine"), "{written}");
    let parsed: Value = serde_json::from_str(&written.replace("// mine", "")).unwrap();
    let env = json!({"A": "1", "ANTHROPIC_BASE_URL": fixture.gateway.url()});
    assert_eq!(
        parsed,
        json!({"model": "opus", "env": env, "apiKeyHelper": helper()})
    );
    let mode = fs::metadata(fixture.home(SETTINGS))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);

    let again = fixture.configure(&["claude-code", "--json"]).await;
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(
        (&again["changed"], &again["client"]),
        (&json!(false), &json!("claude-code"))
    );
    assert_eq!(fixture.read(SETTINGS), written);

    fixture
        .env
        .claviger(&["unconfigure", "claude-code"])
        .await
        .succeeded();
    assert_eq!(fixture.read(SETTINGS), MINE);
    let output = fixture.env.claviger(&["unconfigure", "claude-code"]).await;
    assert!(
        output.succeeded().starts_with("nothing to do"),
        "{output:?}"
    );
}

#[tokio::test]
async fn a_file_that_was_made_is_removed_and_a_link_stays() {
    let fixture = ClientFixture::start().await;
    for (client, file) in [
        ("claude-code", SETTINGS),
        ("codex", ".codex/config.toml"),
        ("pi", ".pi/agent/models.json"),
        ("hermes", ".hermes/config.yaml"),
    ] {
        fixture.configure(&[client]).await;
        assert!(fixture.read(file).contains("claviger-helper"), "{client}");
        let output = fixture.env.claviger(&["unconfigure", client]).await;
        output.succeeded();
        assert!(!fixture.home(file).exists(), "{client}");
    }
    fixture.write("dotfiles/settings.json", MINE);
    symlink(
        fixture.home("dotfiles/settings.json"),
        fixture.home(SETTINGS),
    )
    .unwrap();
    fixture.configure(&["claude-code"]).await;
    assert!(
        fs::symlink_metadata(fixture.home(SETTINGS))
            .unwrap()
            .is_symlink()
    );
    assert!(
        fixture
            .read("dotfiles/settings.json")
            .contains("claviger-helper")
    );
}

#[tokio::test]
async fn a_foreign_helper_a_mistake_and_another_users_file_stay() {
    let fixture = ClientFixture::start().await;
    let env = &fixture.env;
    let other = "{\n  \"apiKeyHelper\": \"/opt/corp/key\"\n}\n";
    fixture.write(SETTINGS, other);
    let refused = env.claviger(&["configure", "claude-code"]).await;
    refused.failed(2, &["'apiKeyHelper' is set already", "--force"]);
    assert_eq!(fixture.read(SETTINGS), other);
    fixture.configure(&["claude-code", "--force"]).await;
    assert!(fixture.read(SETTINGS).contains(&helper()));
    env.claviger(&["unconfigure", "claude-code"])
        .await
        .succeeded();
    assert_eq!(fixture.read(SETTINGS), other);

    fixture.write(SETTINGS, "{\n  \"model\": \n}\n");
    let refused = env.claviger(&["configure", "claude-code"]).await;
    refused.failed(2, &["cannot be parsed: line 3, column 1"]);

    require_root();
    fixture.write(SETTINGS, MINE);
    chown(fixture.home(SETTINGS), Some(65_534), None).unwrap();
    let refused = env.claviger(&["configure", "claude-code"]).await;
    refused.failed(7, &["belongs to another user"]);
    assert_eq!(fixture.read(SETTINGS), MINE);
}

#[tokio::test]
async fn the_clients_of_the_machine_are_listed() {
    let fixture = ClientFixture::start().await;
    fixture.configure(&["pi"]).await;
    fixture.write(SETTINGS, "{\"apiKeyHelper\": \"/opt/corp/key\"}");
    fixture.write(".codex/config.toml", "[");
    let listed: Value = serde_json::from_str(&fixture.configure(&["--json"]).await).unwrap();
    let states = listed["clients"].as_array().unwrap().iter();
    let states: Vec<_> = states
        .map(|client| {
            (
                client["client"].as_str().unwrap(),
                client["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            ("claude-code", "other-helper"),
            ("claude-desktop", "elsewhere"),
            ("codex", "unreadable"),
            ("copilot", "elsewhere"),
            ("pi", "configured"),
            ("hermes", "not-configured"),
        ]
    );
    let table = fixture.configure(&[]).await;
    assert!(
        table.lines().all(|line| line.len() < 200) && table.contains("another helper"),
        "{table}"
    );
}

/// The real Claude Code takes a turn with the settings that were written for a project.
#[tokio::test]
async fn claude_code_runs_with_what_was_written() {
    let fixture = ClientFixture::start().await;
    // A client whose own settings have neither the helper nor the URL.
    let mut client = ClaudeCode::new(&fixture.env, &fixture.gateway.url(), &[]);
    let settings: Value = serde_json::from_str(&fixture.read(SETTINGS)).unwrap();
    let mut settings = settings.as_object().unwrap().clone();
    settings.remove("apiKeyHelper");
    settings["env"]
        .as_object_mut()
        .unwrap()
        .remove("ANTHROPIC_BASE_URL");
    fixture.write(SETTINGS, &Value::Object(settings).to_string());
    client.enter_project(&[]);
    let project = fixture.home("project");
    let args = ["claude-code", "--project", project.to_str().unwrap()];
    fixture.configure(&args).await;
    let output = client.turn("What is up?").await;
    fixture
        .env
        .record_output("Claude Code", &client.transcript());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fixture.answers(MESSAGES).len(), 1);
}
