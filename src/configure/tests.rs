use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::{
    client_kind::ClientKind,
    clock::Timestamp,
    settings_file::{Document, Syntax},
};

/// The clients with a settings file, and files that people have.
const CLIENTS: [(ClientKind, Syntax, &str); 4] = [
    (
        ClientKind::ClaudeCode,
        Syntax::Json,
        "{\n  // mine\n  \"model\": \"opus\",\n  \"env\": {\n    \"A\": \"1\"\n  }\n}\n",
    ),
    (
        ClientKind::Codex,
        Syntax::Toml,
        "model = \"gpt-5.5\" # mine\n\n[model_providers.azure]\nname = \"Azure\"\n",
    ),
    (
        ClientKind::Pi,
        Syntax::Json,
        "{\n  \"providers\": {\n    \"x\": {}\n  }\n}\n",
    ),
    (
        ClientKind::Hermes,
        Syntax::Yaml,
        "model:\n  default: opus # mine\nproviders: {}\n",
    ),
];

fn helper(client: ClientKind, profile: Option<&'static str>) -> Helper<'static> {
    Helper {
        program: "/usr/local/bin/claviger-helper",
        client,
        profile,
        gateway: "https://gw.example.com",
    }
}

fn parse(syntax: Syntax, text: &str) -> Document {
    Document::parse(syntax, text).unwrap()
}

/// Another program's helper in the settings of a client.
fn foreign(client: ClientKind) -> (Vec<String>, Value) {
    let settings = settings(&helper(client, None));
    let setting = settings.iter().find(|setting| {
        let text = setting.value.as_str();
        text.is_some_and(|text| text.contains("claviger-helper"))
    });
    (setting.unwrap().path.clone(), json!("/opt/other/helper"))
}

#[test]
fn what_is_applied_is_undone_and_nothing_else_is_touched() {
    for (client, syntax, text) in CLIENTS {
        for (text, profile) in [("", None), (text, None), (text, Some("work"))] {
            let settings = settings(&helper(client, profile));
            let mut document = parse(syntax, text);
            assert_eq!(runs_helper(client, |path| document.get(path)), None);
            let written = apply(&mut document, &settings, false).unwrap();
            assert!(is_applied(&document, &settings), "{document}");
            assert_eq!(runs_helper(client, |path| document.get(path)), Some(true));

            let text_after = document.to_string();
            let mut document = parse(syntax, &text_after);
            let undone = undo(&mut document, &written).unwrap();
            assert_eq!(
                (undone.restored.len(), undone.kept.len()),
                (settings.len(), 0)
            );
            match text {
                "" => assert!(document.is_blank(), "{document}"),
                text => assert_eq!(document.to_string(), text),
            }
        }
    }
}

#[test]
fn a_foreign_helper_is_replaced_only_if_that_is_demanded_and_is_restored() {
    for (client, syntax, text) in CLIENTS {
        let (key, other) = foreign(client);
        let mut document = parse(syntax, text);
        document.set(&key, &other).unwrap();
        let before = document.to_string();
        assert_eq!(runs_helper(client, |path| document.get(path)), Some(false));
        let settings = settings(&helper(client, None));
        let refused = apply(&mut document, &settings, false).unwrap_err();
        let expected = format!("'{}' is set already, and not by claviger", key.join("."));
        assert_eq!(refused.to_string(), expected);

        let mut document = parse(syntax, &before);
        let written = apply(&mut document, &settings, true).unwrap();
        assert!(is_applied(&document, &settings));
        undo(&mut document, &written).unwrap();
        assert_eq!(document.get(&key), Some(other));
        assert_eq!(document.to_string(), before);
    }
}

#[test]
fn a_later_edit_of_the_user_stays() {
    for (client, syntax, text) in CLIENTS {
        let settings = settings(&helper(client, None));
        let mut document = parse(syntax, text);
        let written = apply(&mut document, &settings, false).unwrap();
        let (key, other) = foreign(client);
        document.set(&key, &other).unwrap();
        document.set(&["added".to_owned()], &json!(1)).unwrap();
        let undone = undo(&mut document, &written).unwrap();
        assert_eq!(undone.kept, [key.join(".")]);
        assert_eq!(document.get(&key), Some(other));
        assert_eq!(document.get(&["added".to_owned()]), Some(json!(1)));
    }
}

#[test]
fn a_helper_that_was_entered_by_hand_is_our_own() {
    let by_hand = "{\"apiKeyHelper\": \"/old/path/claviger-helper\"}\n";
    let mut document = parse(Syntax::Json, by_hand);
    let settings = settings(&helper(ClientKind::ClaudeCode, None));
    let written = apply(&mut document, &settings, false).unwrap();
    undo(&mut document, &written).unwrap();
    assert_eq!(document.get(&["apiKeyHelper".to_owned()]), None);
}

#[test]
fn the_client_and_the_profile_are_arguments_that_a_shell_does_not_change() {
    let text = |client, profile| format!("{:?}", settings(&helper(client, profile)));
    for (client, expected) in [
        (
            ClientKind::Codex,
            "\"--client\"), String(\"codex\"), String(\"--profile\"), String(\"my team\")",
        ),
        (
            ClientKind::Pi,
            "!exec /usr/local/bin/claviger-helper --client pi --profile 'my team'",
        ),
        (
            ClientKind::Hermes,
            "helper --client hermes --profile 'my team'",
        ),
        (
            ClientKind::ClaudeCode,
            "\"exec /usr/local/bin/claviger-helper --profile 'my team'\"",
        ),
    ] {
        let text = text(client, Some("my team"));
        assert!(cfg!(windows) || text.contains(expected), "{text}");
    }
    let variables = environment(&helper(ClientKind::Copilot, Some("work")));
    assert!(variables.iter().any(|(name, value)| {
        *name == "COPILOT_PROVIDER_API_KEY_COMMAND"
            && value.ends_with("--client copilot --profile work")
    }));
}

#[test]
fn a_variable_of_the_client_moves_its_file() {
    let home = Path::new("/home/ana");
    for (client, variable, usual, moved) in [
        (
            ClientKind::ClaudeCode,
            "CLAUDE_CONFIG_DIR",
            ".claude/settings.json",
            "settings.json",
        ),
        (
            ClientKind::Codex,
            "CODEX_HOME",
            ".codex/config.toml",
            "config.toml",
        ),
        (
            ClientKind::Pi,
            "PI_CODING_AGENT_DIR",
            ".pi/agent/models.json",
            "models.json",
        ),
        (
            ClientKind::Hermes,
            "HERMES_HOME",
            ".hermes/config.yaml",
            "config.yaml",
        ),
    ] {
        let in_home = |variable: &dyn Fn(&str) -> Option<std::ffi::OsString>| {
            file(client, &Directories { home, variable }).unwrap().0
        };
        assert_eq!(in_home(&|_| None), home.join(usual));
        assert_eq!(in_home(&|_| Some("".into())), home.join(usual));
        let set = |name: &str| (name == variable).then(|| "/else".into());
        assert_eq!(in_home(&set), Path::new("/else").join(moved));
    }
}

#[test]
fn a_receipt_is_kept_until_it_is_removed_and_is_the_users_alone() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = Receipts::new(dir.path());
    let (one, two) = (Path::new("/a/settings.json"), Path::new("/b/settings.json"));
    assert_eq!(receipts.get("claude-code", one).unwrap(), None);
    let mut document = parse(Syntax::Json, "{\"apiKeyHelper\": \"x\"}");
    let settings = settings(&helper(ClientKind::ClaudeCode, None));
    let written = apply(&mut document, &settings, true).unwrap();
    let at = Timestamp::from_second(1_800_000_000).unwrap();
    let receipt = Receipt::new("claude-code", one, false, "text", at, Some("work"), written);
    let path = receipts.put(&receipt).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;

        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
    assert_eq!(
        receipts.get("claude-code", one).unwrap(),
        Some(receipt.clone())
    );
    assert_eq!(receipts.get("claude-code", two).unwrap(), None);
    assert!(receipt.is_unchanged("text") && !receipt.is_unchanged("other"));
    std::fs::write(&path, "{\"version\": \"sk-canary\"}").unwrap();
    let error = receipts.get("claude-code", one).unwrap_err().to_string();
    assert!(
        error.contains("is invalid at line 1") && !error.contains("canary"),
        "{error}"
    );
    receipts.remove("claude-code", one).unwrap();
    receipts.remove("claude-code", one).unwrap();
    assert!(!path.exists());
}
