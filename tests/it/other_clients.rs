//! What the clients other than Claude Code get from a real daemon.

use std::{os::unix::fs::symlink, time::Duration};

use serde_json::Value;
use tokio::process::Command;

use crate::support::{
    KEY, TestEnv,
    answers::secret,
    key_fixture::{KeyFixture, SECOND, THIRD},
    poll::timed,
    process::{binary, resident_memory},
    test_env::ProgramOutput,
};

/// How often a client that requests the key at every request runs the helper in a test.
const RUNS: usize = 300;

/// The shortest pause between two such runs after which the client may have met a 401: that of
/// Copilot.
const SHORTEST_401: Duration = Duration::from_millis(800);

/// A machine whose key has this many seconds left when it is obtained.
fn with_key_for(seconds: u32) -> TestEnv {
    TestEnv::with_script(&format!(
        "echo '{{\"access_token\":\"{KEY}\",\"expires_in\":{seconds}}}'"
    ))
}

#[tokio::test]
async fn a_token_response_contains_the_seconds_that_are_left() {
    let env = with_key_for(3_600);
    let output = env.helper_with(&["--client", "hermes"], &[]).await;
    let response: Value = serde_json::from_str(output.succeeded()).unwrap();
    assert_eq!(response["access_token"], KEY);
    assert_eq!(response["token_type"], "Bearer");
    // Rounded down, and never more than the source has said.
    let seconds = response["expires_in"].as_u64().unwrap();
    assert!((3_500..3_600).contains(&seconds), "{response}");
}

#[tokio::test]
async fn a_key_without_an_expiry_is_printed_for_every_client() {
    let env = TestEnv::with_fixed_key();
    let oauth = format!("{{\"access_token\":\"{KEY}\",\"token_type\":\"Bearer\"}}");
    for (client, expected) in [
        ("claude-code", KEY),
        ("claude-desktop", KEY),
        ("codex", KEY),
        ("copilot", KEY),
        ("pi", KEY),
        ("hermes", &oauth),
    ] {
        env.helper_with(&["--client", client], &[])
            .await
            .printed(expected);
    }
}

/// Runs the program at `path`, a link to the shim, with the variables of the shim.
async fn run_link(env: &TestEnv, path: &std::path::Path) -> ProgramOutput {
    let shim = env.command("claviger-helper", &[]);
    let variables = shim.as_std().get_envs();
    let output = Command::new(path)
        .env_clear()
        .envs(variables.filter_map(|(name, value)| Some((name, value?))))
        .output()
        .await
        .unwrap();
    let output = ProgramOutput::from(output);
    env.record_output("the link's stderr", &output.stderr);
    output
}

/// The client is this process.
#[tokio::test]
async fn a_client_that_asks_at_every_request_costs_one_read_and_no_probe() {
    for client in ["pi", "copilot"] {
        let fixture = KeyFixture::start("off").await;
        let env = &fixture.env;
        let link = env.path(&format!("home/claviger-helper-{client}"));
        symlink(binary("claviger-helper"), &link).unwrap();
        let run = async |by_link: bool| match by_link {
            true => run_link(env, &link).await,
            false => env.helper_with(&["--client", client], &[]).await,
        };
        run(false).await.printed(KEY);
        let daemon = env.daemon_pid().unwrap();
        for by_link in [false, true] {
            // What is allocated once is so by now.
            for _ in 0..20 {
                run(by_link).await.printed(KEY);
            }
            let (before, mut longest) = (resident_memory(daemon), Duration::ZERO);
            let all = async {
                for _ in 0..RUNS {
                    let (output, took) = timed(run(by_link)).await;
                    output.printed(KEY);
                    longest = longest.max(took);
                }
            };
            let ((), took) = timed(all).await;
            let growth = resident_memory(daemon).saturating_sub(before);
            println!(
                "{client}, by its link: {by_link}: {RUNS} runs in {took:?}, the longest {longest:?}, \
                 {before} KiB grew by {growth} KiB, {} reads, {} probes",
                fixture.reads(),
                fixture.probes(),
            );
            assert!(growth <= 1024, "{client}: {growth} KiB");
            assert_eq!(fixture.reads(), 1, "{client}");
            // A machine that is too busy lets a run look like one after a 401.
            if longest < SHORTEST_401 / 2 {
                assert_eq!(fixture.probes(), 0, "{client}");
            }
        }
        assert_eq!(env.daemon_pid(), Some(daemon));
    }
}

#[tokio::test]
async fn a_mid_session_refresh_gets_the_new_key_at_once_and_an_ordinary_run_is_no_401() {
    let fixture = KeyFixture::start("off").await;
    let desktop = async |context: Option<&str>| {
        let variables = context.map(|context| ("CLAUDE_HELPER_CONTEXT", context));
        let args = ["--client", "claude-desktop"];
        fixture.env.helper_with(&args, variables.as_slice()).await
    };
    desktop(None).await.printed(KEY);
    fixture.until_probed("accepted").await;
    let probes = fixture.probes();
    for context in [None, Some("interactive"), Some("background"), None] {
        desktop(context).await.printed(KEY);
    }
    assert_eq!(fixture.probes(), probes, "an ordinary run was probed");

    // A moment after the last run, twice.
    for (old, new) in [(KEY, SECOND), (SECOND, THIRD)] {
        fixture.put(new).await;
        fixture.gateway.set_keys([secret(new)]);
        desktop(None).await.printed(old);
        let (output, took) = timed(desktop(Some("mid-session-refresh"))).await;
        output.printed(new);
        println!("a mid-session refresh: {took:?}");
        let probes = fixture.probes();
        desktop(None).await.printed(new);
        assert_eq!(fixture.probes(), probes, "an ordinary run was probed");
    }
    assert_eq!(fixture.reads(), 3);

    // A key that the gateway still accepts is served, whatever the client states.
    desktop(Some("mid-session-refresh")).await.printed(THIRD);
    // Nor is a dead one served that the source still has.
    fixture.gateway.revoke(&secret(THIRD));
    desktop(Some("mid-session-refresh"))
        .await
        .failed(4, &["has rejected"]);
}

/// The helpers of MCP servers and of telemetry run beside that of the key, whenever they like.
#[tokio::test]
async fn the_helpers_for_headers_are_no_401() {
    let fixture = KeyFixture::start_proven("off").await;
    let probes = fixture.probes();
    for _ in 0..6 {
        let headers = ["--format", "headers"];
        let output = fixture.env.helper_with(&headers, &[]).await;
        assert!(output.succeeded().contains(KEY), "{output:?}");
    }
    assert_eq!((fixture.probes(), fixture.reads()), (probes, 1));
}
