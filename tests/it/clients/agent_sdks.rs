//! The Agent SDKs, which run the Claude Code of this machine with the user's settings.

use std::{fs, os::unix::fs::symlink};

use claviger::demo::gateway::GREETING;

use super::fixture::{ClientFixture, FIRST, SECOND};
use crate::support::{
    answers::{MESSAGES, answer},
    claude::ClaudeCode,
    tools::tool,
};

/// Scripts that take one turn with the client and the prompt in their arguments.
const JAVASCRIPT: &str = include_str!("agent_sdk/turn.mjs");
const PYTHON: &str = include_str!("agent_sdk/turn.py");

/// Writes the settings that Claude Code has, with the helper by `claviger configure`.
async fn fixture() -> ClientFixture {
    let fixture = ClientFixture::start().await;
    let _client = ClaudeCode::new(&fixture.env, &fixture.gateway.url(), &[]);
    fixture.configure(&["claude-code"]).await;
    fixture
}

async fn takes_turns(fixture: &ClientFixture, program: &str, script: &str, args: &[&str]) {
    // Python finds the packages beside the program that a link leads to, not beside the link.
    let program = fs::read_link(tool(program)).unwrap();
    let claude = tool("claude").canonicalize().unwrap();
    let claude = claude.to_str().unwrap();
    let turn = async |prompt: &str| {
        let script = fixture.home(script);
        let args = [args, &[script.to_str().unwrap(), claude, prompt]].concat();
        let output = fixture.run(&program, &args, &[]).await;
        let expected = format!("{GREETING}{prompt}");
        assert!(
            output.code == Some(0) && output.stdout.contains(&expected),
            "{output:?}"
        );
    };
    turn("one").await;
    fixture.rotate();
    turn("two").await;
    let answers = fixture.answers(MESSAGES);
    assert_eq!(answers.first(), Some(&answer(200, FIRST)), "{answers:?}");
    assert_eq!(answers.last(), Some(&answer(200, SECOND)), "{answers:?}");
}

#[tokio::test]
async fn the_sdk_for_javascript_recovers_from_a_rotation() {
    let fixture = fixture().await;
    fixture.write("turn.mjs", JAVASCRIPT);
    let packages = tool("../agent-sdk/node_modules");
    symlink(packages, fixture.home("node_modules")).unwrap();
    takes_turns(&fixture, "node-22", "turn.mjs", &[]).await;
}

#[tokio::test]
async fn the_sdk_for_python_recovers_from_a_rotation() {
    let fixture = fixture().await;
    fixture.write("turn.py", PYTHON);
    takes_turns(&fixture, "python-agent-sdk", "turn.py", &["-I"]).await;
}
