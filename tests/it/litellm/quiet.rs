//! A key that may send messages only: `/v1/models` is a 403, which is not a rejection.

use serde_json::json;

use super::accepting;
use crate::{
    scenarios::{Deployment, FIRST, MACHINE_LOCK, turn},
    support::{gateway::ScriptedGateway as _, litellm::KeyCheck, process::binary},
};

const TOUCHES: usize = 3;

#[tokio::test]
async fn a_key_for_messages_only_is_never_refused() {
    let _shared = MACHINE_LOCK.read().await;
    let gateway = accepting(KeyCheck::MessagesOnly).await;
    let mut deployment = Deployment::with_gateway(gateway, "off", &[]).await;
    // At its start the client runs this helper beside the one for the key.
    let headers = format!(
        "exec '{}' --format headers",
        binary("claviger-helper").display()
    );
    deployment.client.add_settings(&json!({
        "otelHeadersHelper": headers,
        "env": {
            "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_ENDPOINT": deployment.gateway.url(),
        },
    }));
    deployment
        .client
        .add_mcp_server("corp", &deployment.gateway.url(), &headers);
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
