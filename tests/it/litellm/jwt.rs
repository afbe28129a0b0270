//! JWTs that live for a minute. The client reads their expiry and runs the helper 30 s before it.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    scenarios::{MODELS, turns},
    support::{
        TestEnv,
        answers::{MESSAGES, answers},
        claude::ClaudeCode,
        gateway::ScriptedGateway as _,
        jwt::SigningKey,
        litellm::{KeyCheck, LiteLlm},
    },
};

/// Longer than one token. The lock of the machine is not held for so long: a turn now and then
/// disturbs no other scenario.
const SESSION: Duration = Duration::from_secs(75);

const BETWEEN_TURNS: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_session_outlives_its_tokens_without_a_401() {
    let key = SigningKey::new();
    let gateway = LiteLlm::start(KeyCheck::Jwt, &[&key.public_pem()]).await;
    let env = TestEnv::new();
    let key_file = env.write_file("signing.pem", &key.private_pem());
    env.write_config(&format!(
        "[profile.default]\ngateway = \"{}\"\nsource = \"minted\"\n\n[source.minted]\ntype = \"jwt\"\n\
         algorithm = \"EdDSA\"\nkey_file = \"{key_file}\"\nsubject = \"ana\"\naudience = \"llm-gateway\"\n\
         ttl = \"60s\"\n",
        gateway.url()
    ));
    let client = ClaudeCode::new(&env, &gateway.url(), &[]).with_version("2.1.332");
    let mut session = client.session();

    let turns = turns(&mut session, SESSION, BETWEEN_TURNS).await;
    let (status, stderr) = session.end().await;
    assert!(status.success(), "{stderr}");

    env.record_output("Claude Code", &client.transcript());
    // All tokens have the same header.
    let token = env.helper().await;
    let (header, _) = token.succeeded().split_once('.').unwrap();
    env.add_secret(header);

    let answers = answers(&gateway);
    let tokens: BTreeSet<_> = answers.iter().map(|(_, fingerprint)| fingerprint).collect();
    let probes = gateway
        .requests()
        .iter()
        .filter(|request| request.path == MODELS)
        .count();
    println!(
        "a token of 60 s for {SESSION:?}: {turns} turns with {} tokens, {probes} probes",
        tokens.len()
    );
    assert_eq!(gateway.count(MESSAGES, 200), answers.len(), "{answers:?}");
    assert!(tokens.len() >= 3, "{answers:?}");
    assert_eq!(probes, 0);
}
