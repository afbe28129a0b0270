//! Keys in the KV engines.

use serde_json::json;

use crate::support::{Bao, Machine};

/// The key of most tests; long enough to be found where it must not be.
const KEY: &str = "sk-canary-5f3a9c";

/// A machine whose only source is the field `api_key` at `path`, with a token of the policy `reader`.
async fn machine(bao: &Bao, path: &str, more: &str) -> Machine {
    let machine = Machine::new();
    machine.secret(KEY);
    let token = machine.secret_file("token", &bao.token(json!({})).await);
    machine.config(&format!(
        r#"
[profile.default]
source = "vault"

[source.vault]
type = "vault"
address = "{}"
path = "{path}"
field = "api_key"
{more}
auth = {{ method = "token", token_file = "{token}" }}
"#,
        bao.url()
    ));
    machine
}

#[tokio::test]
async fn version_2() {
    let bao = Bao::start().await;
    bao.put("team/key", json!({"api_key": "old"})).await;
    bao.put("team/key", json!({"api_key": KEY, "note": 1}))
        .await;
    let machine = machine(&bao, "secret/team/key", "").await;
    machine.helper().await.printed(KEY);
    let status = machine.status().await;
    assert_eq!(status["profiles"][0]["version"], 2);
    assert_eq!(status["profiles"][0]["state"], "ready");
    machine.helper().await.printed(KEY);
    assert_eq!(bao.asked("read", "secret/data/team/key"), 1);
    assert_eq!(bao.requests().len(), 2, "{:?}", bao.requests());
}
