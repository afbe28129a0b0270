//! `claviger exec`.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::fixture::{ClientFixture, FIRST};
use crate::support::{KEY, TestEnv, poll::SOON, until};

/// Runs the command; the key that the tool prints is not searched for, as that of the shim is not.
async fn exec(
    env: &TestEnv,
    args: &[&str],
    variables: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    let mut command = env.command("claviger", &[&["exec"], args].concat());
    let output = command
        .envs(variables.iter().copied())
        .output()
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let stderr = text(output.stderr);
    env.record_output("the stderr of claviger exec", &stderr);
    (output.status.code(), text(output.stdout), stderr)
}

#[tokio::test]
async fn the_tool_has_the_key_the_url_and_its_own_exit_code() {
    let fixture = ClientFixture::start().await;
    let script = r#"printf '%s %s %s %s' "$A_KEY" "$B_KEY" "$OPENAI_BASE_URL" "$1"; exit 42"#;
    let options = [
        "--env",
        "A_KEY",
        "--env=B_KEY",
        "--base-url-env",
        "OPENAI_BASE_URL=/v1",
    ];
    let tool = ["--", "sh", "-c", script, "sh", "--flag"];
    // What is replaced does not count.
    let set = [("OPENAI_BASE_URL", "https://evil.test")];
    let output = exec(&fixture.env, &[&options[..], &tool].concat(), &set).await;
    let expected = format!("{FIRST} {FIRST} {}/v1 --flag", fixture.gateway.url());
    assert_eq!(output, (Some(42), expected, String::new()));
}

#[tokio::test]
async fn a_tool_of_another_server_gets_no_key() {
    let fixture = ClientFixture::start().await;
    let args = ["--env", "A_KEY", "--", "sh", "-c", "echo ran"];
    let own = fixture.gateway.url();
    for name in ["ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"] {
        let both = [("ANTHROPIC_BASE_URL", &*own), (name, "https://evil.test")];
        let (code, stdout, stderr) = exec(&fixture.env, &args, &both).await;
        assert_eq!((code, &*stdout), (Some(7), ""), "{stderr}");
        assert!(
            stderr.contains(&format!("the client's {name} is 'https://evil.test'")),
            "{stderr}"
        );
    }
    let (code, stdout, _) = exec(&fixture.env, &args, &[("ANTHROPIC_BASE_URL", &own)]).await;
    assert_eq!((code, &*stdout), (Some(0), "ran\n"));
}

#[tokio::test]
async fn a_key_that_expires_soon_is_announced() {
    for (seconds, is_announced) in [(600, true), (7_200, false)] {
        let env = TestEnv::with_script(&format!(
            "echo '{{\"access_token\":\"{KEY}\",\"expires_in\":{seconds}}}'"
        ));
        let (code, _, stderr) = exec(&env, &["--env", "K", "--", "true"], &[]).await;
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(
            stderr.starts_with("warning: the key expires in 9 min"),
            is_announced,
            "{stderr}"
        );
        assert!(is_announced || stderr.is_empty(), "{stderr}");
    }
}

#[tokio::test]
async fn a_failure_before_the_tool_has_the_code_of_the_helper() {
    let env = TestEnv::with_script("exit 3");
    let run = ["--env", "K", "--", "sh", "-c", "echo ran"];
    let (code, stdout, stderr) = exec(&env, &run, &[]).await;
    assert_eq!((code, &*stdout), (Some(3), ""), "{stderr}");
    let env = TestEnv::with_fixed_key();
    let missing = ["--env", "K", "--", "/nonexistent/tool"];
    let (code, _, stderr) = exec(&env, &missing, &[]).await;
    assert_eq!(code, Some(2), "{stderr}");
    assert!(
        stderr.contains("cannot run '/nonexistent/tool'"),
        "{stderr}"
    );
}

#[tokio::test]
async fn the_tool_replaces_the_process_and_gets_its_signals() {
    let env = TestEnv::with_fixed_key();
    let script = "trap 'exit 7' TERM; echo $$ >\"$HOME/pid\"; while :; do sleep 0.05; done";
    let args = ["exec", "--env", "K", "--", "sh", "-c", script];
    let mut command = env.command("claviger", &args);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let id = child.id().unwrap();
    let file = env.path("home/pid");
    until("the tool runs", SOON, async || {
        std::fs::read_to_string(&file).is_ok_and(|pid| pid.trim() == id.to_string())
    })
    .await;
    // The key is in no argument.
    let arguments = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap();
    assert!(!arguments.contains(KEY), "{arguments}");
    let pid = Pid::from_raw(id.cast_signed()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(7));
}
