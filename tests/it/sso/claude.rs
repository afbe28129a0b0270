//! Claude Code with tokens of an identity provider that live for less than a minute, at a LiteLLM
//! that verifies them.

use std::{collections::BTreeSet, time::Duration};

use super::fixture::{Sso, source};
use crate::{
    scenarios::turns,
    support::{
        answers::{MESSAGES, answers},
        claude::ClaudeCode,
        gateway::ScriptedGateway as _,
        litellm::{KeyCheck, LiteLlm},
    },
};

/// How many seconds an access token is valid. The client runs the helper again when 30 s are left,
/// and the daemon replaces a token then that lives for more than 40 s.
const TOKEN_TTL: u32 = 42;

/// Longer than one token.
const SESSION: Duration = Duration::from_secs(48);

const BETWEEN_TURNS: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_session_outlives_its_tokens_and_the_user_signs_in_once() {
    let sso = Sso::with_ttl(TOKEN_TTL).await;
    let jwks = format!("{}/jwks", sso.provider.issuer());
    let jwks = reqwest::get(jwks).await.unwrap().text().await.unwrap();
    let gateway = LiteLlm::start(KeyCheck::Jwks, &[&jwks]).await;
    sso.env.write_config(&format!(
        "[profile.default]\ngateway = \"{}\"\nsource = \"sso\"\n\n{}",
        gateway.url(),
        source(sso.provider.issuer(), "store = \"file\"")
    ));
    let client = ClaudeCode::new(&sso.env, &gateway.url(), &[]);
    sso.sign_in().await;
    let mut session = client.session();

    let turns = turns(&mut session, SESSION, BETWEEN_TURNS).await;
    let refreshes = sso.refreshes();
    let (status, stderr) = session.end().await;
    assert!(status.success(), "{stderr}");

    sso.env.record_output("Claude Code", &client.transcript());
    // All tokens have the same header.
    let token = sso.env.helper().await;
    let (header, _) = token.succeeded().split_once('.').unwrap();
    sso.env.add_secret(header);

    let answers = answers(&gateway);
    let tokens: BTreeSet<_> = answers.iter().map(|(_, fingerprint)| fingerprint).collect();
    println!(
        "tokens of {TOKEN_TTL} s for {SESSION:?}: {turns} turns with {} tokens, {refreshes} refreshes",
        tokens.len()
    );
    assert_eq!(gateway.count(MESSAGES, 200), answers.len(), "{answers:?}");
    assert!(tokens.len() >= 3, "{answers:?}");
    // The last one may not have been used.
    assert!(
        refreshes - (tokens.len() - 1) <= 1,
        "{refreshes}: {answers:?}"
    );
}
