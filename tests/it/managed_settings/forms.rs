//! The forms, read by other programs than the one that wrote them.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::TestEnv;

/// A machine with the profile `default`, whose table has these further lines.
fn env(keys: &str) -> TestEnv {
    let env = TestEnv::with_fixed_key();
    let table = format!("[profile.default]\n{keys}\n");
    env.edit_config(|config| config.replace("[profile.default]\n", &table));
    env
}

async fn printed(env: &TestEnv, args: &[&str]) -> String {
    let output = env.claviger(&[&["managed-settings"], args].concat()).await;
    output.succeeded().to_owned()
}

/// Reads a property list as Python does.
fn plist(text: &str) -> Value {
    let script = "import json, plistlib, sys\n\
                  print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))";
    let mut python = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_property_list_and_a_profile_contain_the_settings() {
    let env = env("gateway = \"https://gw.example.com/a&b\"");
    for (recipient, domain) in [
        ("--for=claude-code", "com.anthropic.claudecode"),
        ("--for=desktop", "com.anthropic.claudefordesktop"),
    ] {
        let helper = "--helper=/Applications/R&D \"Tools\"/<x>/claviger-helper";
        let args = [recipient, helper, "--platform=macos"];
        let settings: Value = serde_json::from_str(&printed(&env, &args).await).unwrap();
        let args = [recipient, helper, "--format=plist"];
        assert_eq!(plist(&printed(&env, &args).await), settings);

        let args = [recipient, helper, "--format=mobileconfig"];
        let text = printed(&env, &args).await;
        assert_eq!(printed(&env, &args).await, text);
        let profile = plist(&text);
        assert_eq!(profile["PayloadType"], json!("Configuration"));
        assert_eq!(profile["PayloadScope"], json!("System"));
        let [payload] = profile["PayloadContent"].as_array().unwrap().as_slice() else {
            panic!("{profile}");
        };
        assert_eq!(payload["PayloadType"], json!(domain));
        for part in [&profile, payload] {
            assert_eq!(part["PayloadVersion"], json!(1));
            for key in ["PayloadIdentifier", "PayloadUUID", "PayloadDisplayName"] {
                assert!(part[key].is_string(), "{key}");
            }
        }
        let mut values = payload.as_object().unwrap().clone();
        values.retain(|key, _| !key.starts_with("Payload"));
        assert_eq!(Value::Object(values), settings);
    }
}

#[tokio::test]
async fn what_cannot_be_distributed_is_an_error_with_a_hint() {
    let without = env("");
    let output = without.claviger(&["managed-settings"]).await;
    output.failed(
        2,
        &[
            "has no 'gateway'",
            "hint: set 'gateway' in [profile.default]",
        ],
    );

    let env = env("gateway = \"https://gw.example.com\"");
    for (args, part) in [
        (&["other"][..], "unknown profile 'other'"),
        (
            &["--helper=bin/claviger-helper"],
            "expected an absolute path",
        ),
        (
            &["--format=reg", "--platform=linux"],
            "are for different systems",
        ),
        (&["--format=sh"], "hint: add '--for claviger'"),
    ] {
        let output = env.claviger(&[&["managed-settings"], args].concat()).await;
        output.failed(2, &[part]);
    }
}

#[tokio::test]
async fn keys_that_expire_too_soon_are_reported_and_the_settings_printed() {
    let env = env("gateway = \"https://gw.example.com\"");
    env.edit_config(|config| config.replace("type = \"exec\"", "type = \"exec\"\nttl = \"40s\""));
    let output = env.claviger(&["managed-settings"]).await;
    let settings: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        settings["env"]["CLAUDE_CODE_API_KEY_HELPER_TTL_MS"],
        json!("10000")
    );
    assert!(
        output
            .stderr
            .starts_with("warning: the keys of profile 'default'"),
        "{output:?}"
    );
}
