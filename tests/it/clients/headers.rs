//! Claude Code's `headersHelper` and `otelHeadersHelper`.

use serde_json::json;

use super::fixture::{ClientFixture, FIRST};
use crate::support::{
    Upstream, claude::ClaudeCode, poll::SOON, process::binary, until, upstream::UpstreamReply,
};

/// A server that refuses everything, which is enough to see what it is sent.
fn refusing() -> UpstreamReply {
    let head = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    UpstreamReply::Http(head.to_owned())
}

#[tokio::test]
async fn an_mcp_server_and_a_collector_are_sent_the_key_as_a_header() {
    let fixture = ClientFixture::start().await;
    let (server, collector) = (
        Upstream::start(refusing()).await,
        Upstream::start(refusing()).await,
    );
    let helper = format!("'{}' --format headers", binary("claviger-helper").display());
    let mut client = ClaudeCode::new(&fixture.env, &fixture.gateway.url(), &[]);
    client.add_mcp_server("corp", &format!("{}/mcp", server.url()), &helper);
    client.add_settings(&json!({
        "otelHeadersHelper": helper,
        "env": {
            "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url(),
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        },
    }));
    let output = client.turn("What is up?").await;
    fixture
        .env
        .record_output("Claude Code", &client.transcript());
    assert!(output.status.success(), "{output:?}");
    let header = format!("authorization: bearer {FIRST}");
    for (name, upstream) in [("the MCP server", &server), ("the collector", &collector)] {
        until(name, SOON, async || {
            let requests = upstream.requests();
            requests
                .iter()
                .any(|request| request.to_lowercase().contains(&header))
        })
        .await;
    }
}
