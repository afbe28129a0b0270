//! Turns of the clients before and after a rotation.

use std::{process::Stdio, time::Duration};

use claviger::demo::gateway::GREETING;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::fixture::{ClientFixture, FIRST, SECOND};
use crate::support::{
    answers::{MESSAGES, answer},
    poll::{timed, until},
    test_env::ProgramOutput,
    tools::tool,
};

/// How long pi may use the old key if it is prompted again and again: what its requests tell is
/// little, and the probes that they justify are few.
const PATIENCE: Duration = Duration::from_secs(60);

/// The path of Codex's turns.
const RESPONSES: &str = "/v1/responses";

/// Whether the gateway's answer is shown; a client may put the time before the prompt.
fn succeeded(output: &ProgramOutput, prompt: &str) -> bool {
    let answer = output.stdout.split_once(GREETING);
    output.code == Some(0) && answer.is_some_and(|(_, received)| received.contains(prompt))
}

#[tokio::test]
async fn codex_recovers_from_a_rotation_within_a_turn() {
    let fixture = ClientFixture::start().await;
    fixture.write(".codex/config.toml", "# mine\nmodel = \"gpt-5.5\" # fast\ncheck_for_update_on_startup = false\n[analytics]\nenabled = false\n");
    fixture.configure(&["codex"]).await;
    assert!(
        fixture
            .read(".codex/config.toml")
            .starts_with("# mine\nmodel = \"gpt-5.5\" # fast\n")
    );
    let codex = tool("codex");
    let turn = async |prompt| {
        let args = ["exec", "--skip-git-repo-check", prompt];
        timed(fixture.run(&codex, &args, &[])).await
    };
    let (output, took) = turn("one").await;
    assert!(succeeded(&output, "one"), "{output:?}");
    assert_eq!(fixture.answers(RESPONSES), [answer(200, FIRST)]);

    fixture.rotate();
    let (output, after) = turn("two").await;
    assert!(succeeded(&output, "two"), "{output:?}");
    let answers = fixture.answers(RESPONSES);
    assert_eq!(answers.last(), Some(&answer(200, SECOND)), "{answers:?}");
    println!("codex: a turn {took:?}, the one after a rotation {after:?}: {answers:?}");
}

/// Copilot answers a 401 with another run of the command.
#[tokio::test]
async fn copilot_recovers_from_a_rotation_within_a_turn() {
    let fixture = ClientFixture::start().await;
    let lines = fixture.configure(&["copilot"]).await;
    fixture.write(".profile", &lines);
    let copilot = tool("copilot");
    let turn = async |prompt| {
        let script = r#". "$HOME/.profile" && exec "$0" "$@""#;
        let args = ["-c", script, copilot.to_str().unwrap(), "-p", prompt];
        let variables = [
            ("COPILOT_MODEL", "claude-sonnet-4.5"),
            ("COPILOT_OFFLINE", "true"),
            ("COPILOT_AUTO_UPDATE", "false"),
        ];
        timed(fixture.run("/bin/sh".as_ref(), &args, &variables)).await
    };
    let (output, took) = turn("one").await;
    assert!(succeeded(&output, "one"), "{output:?}");
    assert_eq!(fixture.answers(MESSAGES), [answer(200, FIRST)]);

    fixture.rotate();
    let (output, after) = turn("two").await;
    assert!(succeeded(&output, "two"), "{output:?}");
    let answers = fixture.answers(MESSAGES);
    assert_eq!(answers.last(), Some(&answer(200, SECOND)), "{answers:?}");
    println!("copilot: a turn {took:?}, the one after a rotation {after:?}: {answers:?}");
}

/// pi ends the turn at a 401: it is one of the next that has the new key.
#[tokio::test]
async fn pi_has_the_new_key_soon_after_a_rotation() {
    let fixture = ClientFixture::start().await;
    fixture.configure(&["pi"]).await;
    let pi = tool("pi").canonicalize().unwrap();
    let options = ["--mode", "rpc", "--no-session", "--provider", "anthropic"];
    let model = ["--model", "claude-sonnet-4-5"];
    let args = [&[pi.to_str().unwrap()], &options[..], &model].concat();
    let variables = [("PI_OFFLINE", "1")];
    let mut command = fixture.command(&tool("node-22"), &args, &variables);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut turn = async |prompt: &str| {
        let line = format!("{}\n", json!({"type": "prompt", "message": prompt}));
        stdin.write_all(line.as_bytes()).await.unwrap();
        loop {
            let line = stdout.next_line().await.unwrap().expect("pi has ended");
            fixture.env.record_output("pi", &line);
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["type"] == "agent_end" {
                return line.contains(&format!("{GREETING}{prompt}"));
            }
        }
    };
    assert!(turn("one").await);
    assert_eq!(fixture.answers(MESSAGES), [answer(200, FIRST)]);
    fixture.rotate();
    let ((), took) = timed(until("a turn succeeds", PATIENCE, async || {
        turn("two").await
    }))
    .await;
    let answers = fixture.answers(MESSAGES);
    assert_eq!(answers.last(), Some(&answer(200, SECOND)), "{answers:?}");
    println!(
        "pi: the new key after {took:?} and {} refusals",
        answers.len() - 2
    );
}
