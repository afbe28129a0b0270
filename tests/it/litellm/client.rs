//! Every supported version of Claude Code works with LiteLLM.

use super::accepting;
use crate::{
    scenarios::{Deployment, FIRST, MACHINE_LOCK},
    support::{
        answers::{MESSAGES, answer},
        claude::ClaudeCode,
        gateway::ScriptedGateway as _,
        litellm::KeyCheck,
    },
};

/// [`crate::support::claude`] runs the pinned version by default.
const OTHER_VERSIONS: [&str; 2] = ["2.1.197", "2.1.332"];

#[tokio::test]
async fn a_turn_costs_one_request() {
    let gateway = accepting(KeyCheck::Custom).await;
    let _shared = MACHINE_LOCK.read().await;
    let deployment = Deployment::with_gateway(gateway, "off", &[]).await;
    let answered = async |client: &ClaudeCode| {
        let output = client.turn("through LiteLLM").await;
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout.contains("through LiteLLM"), "{output:?}");
        deployment
            .env
            .record_output("Claude Code", &client.transcript());
    };
    answered(&deployment.client).await;
    for version in OTHER_VERSIONS {
        let url = deployment.gateway.url();
        let client = ClaudeCode::new(&deployment.env, &url, &[]).with_version(version);
        answered(&client).await;
    }
    assert_eq!(deployment.answers(), vec![answer(200, FIRST); 3]);
    assert_eq!(deployment.gateway.count(MESSAGES, 200), 3);
}
