//! The key is valid, and something looks as if it were not: `/v1/models` is a 403, or the client
//! runs several helpers at once.

use serde_json::json;

use super::accepting;
use crate::{
    scenarios::{Deployment, FIRST, MACHINE_LOCK, turn},
    support::{
        gateway::ScriptedGateway as _,
        litellm::{KeyCheck, LiteLlm},
        process::binary,
    },
};

const TOUCHES: usize = 3;

/// Configures an MCP server and telemetry, both with the key in their headers.
fn use_key_for_headers(deployment: &mut Deployment<LiteLlm>) {
    let helper = binary("claviger-helper");
    let helper = format!("exec '{}' --format headers", helper.display());
    let url = deployment.gateway.url();
    deployment.client.add_mcp_server("corp", &url, &helper);
    deployment.client.add_settings(&json!({
        "otelHeadersHelper": helper,
        "env": {
            "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        },
    }));
}

#[tokio::test]
async fn helpers_for_headers_are_no_sign_of_a_rejection() {
    let gateway = accepting(KeyCheck::Custom).await;
    let _shared = MACHINE_LOCK.read().await;
    let mut deployment = Deployment::with_gateway(gateway, "off", &[]).await;
    use_key_for_headers(&mut deployment);
    let mut session = deployment.start_session().await;
    turn(&mut session, "one more").await;
    deployment.end(session).await;

    let counts = deployment.counts();
    let runs = deployment.env.log().matches("format: Headers").count();
    println!("helpers for an MCP server and telemetry: {runs} runs, {counts}");
    assert!(runs >= 2, "{runs}");
    // The key is probed once, with the calibration, because it is the first one.
    assert_eq!(
        (counts.refused, counts.reads, counts.probes),
        (0, 1, 2),
        "{counts}"
    );
}

#[tokio::test]
async fn a_key_for_messages_only_is_never_refused() {
    let gateway = accepting(KeyCheck::MessagesOnly).await;
    let _shared = MACHINE_LOCK.read().await;
    let mut deployment = Deployment::with_gateway(gateway, "off", &[]).await;
    use_key_for_headers(&mut deployment);
    let mut session = deployment.start_session().await;
    let before = deployment.counts();
    let runs_before = deployment.helper_runs();

    let mut turns = 0;
    for touch in 1..=TOUCHES {
        let answered_turn = async || {
            turns += 1;
            turn(&mut session, &format!("{touch}, {turns}")).await;
        };
        deployment.touch_settings(answered_turn).await;
    }
    deployment.env.claviger(&["refresh"]).await.succeeded();
    turn(&mut session, "after a refresh").await;
    let output = deployment.client.turn("a new session").await;
    assert!(output.status.success(), "{output:?}");
    deployment.end(session).await;

    let counts = deployment.counts().since(before);
    let runs = deployment.helper_runs() - runs_before;
    println!(
        "settings touched {TOUCHES} times, then a refresh: {runs} runs of the helper, {counts}"
    );
    assert!(runs >= TOUCHES, "{runs}");
    // The refresh reads the key, nothing else does.
    assert_eq!((counts.refused, counts.reads), (0, 1), "{counts}");
    deployment.env.helper().await.printed(FIRST);
    let profile = deployment.profile().await;
    assert_eq!(profile["state"], "ready", "{profile}");
}
