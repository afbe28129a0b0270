//! A probe that proves nothing must not keep a client from the newer key that the source has.

use std::time::Duration;

use claviger::demo::gateway::{Answer, Requests};
use serde_json::json;

use crate::support::{
    KEY,
    answers::secret,
    fingerprint::fingerprint,
    key_fixture::{KeyFixture, MODELS, SECOND, advises},
    until,
};

/// The pause of a client between a request and its next run of the helper, after a 401 or for the
/// next prompt. A run that comes sooner is not about a 401.
const NEXT_PROMPT: Duration = Duration::from_millis(1100);

/// Answers that a route gives to every key: it is not routed, or it wants a header.
fn refusals() -> [Answer; 3] {
    [
        Answer::json(403, &json!({"message": "Forbidden"})),
        Answer::text(403, "RBAC: access denied"),
        Answer::error(401, "auth_error", "no key of this gateway"),
    ]
}

/// Without any client's doing: the source returns a newer key, and nothing speaks for the old one.
#[tokio::test]
async fn a_watched_rotation_reaches_the_clients_of_a_route_that_refuses_everything() {
    for answer in refusals() {
        let fixture = KeyFixture::start("1s").await;
        fixture
            .gateway
            .set_answer(MODELS, Requests::All, answer.clone());
        fixture.env.helper().await.printed(KEY);
        fixture.until_probed("inconclusive").await;
        fixture.put(SECOND).await;
        until(
            &format!("{answer:?}: it is taken over"),
            Duration::from_secs(8),
            async || fixture.status().await["fingerprint"] == fingerprint(SECOND),
        )
        .await;
        fixture.env.helper().await.printed(SECOND);
    }
}

/// The source is not watched: the first run after the 401 brings the new key.
#[tokio::test]
async fn an_early_run_gets_the_new_key_of_a_route_that_refuses_everything() {
    let mut late = Vec::new();
    for (client, context) in [
        ("claude-code", None),
        ("codex", None),
        ("claude-desktop", Some("mid-session-refresh")),
    ] {
        for answer in refusals() {
            let fixture = KeyFixture::start("off").await;
            fixture.gateway.set_answer(MODELS, Requests::All, answer);
            let args = ["--client", client];
            fixture.env.helper_with(&args, &[]).await.printed(KEY);
            fixture.until_probed("inconclusive").await;
            fixture.put(SECOND).await;
            fixture.gateway.set_keys([secret(SECOND)]);
            let context = context.map(|context| ("CLAUDE_HELPER_CONTEXT", context));
            let run = async || {
                let run = fixture.env.helper_with(&args, context.as_slice());
                run.await.stdout.trim_end() == SECOND
            };
            let mut runs = 0;
            loop {
                tokio::time::sleep(NEXT_PROMPT).await;
                runs += 1;
                if runs == 5 || run().await {
                    break;
                }
            }
            if runs > 1 {
                late.push(format!("{client}: run {runs}"));
            }
        }
    }
    assert!(late.is_empty(), "{late:#?}");
}

/// These clients run the helper at every request, and do not tell why.
#[tokio::test]
async fn a_key_that_dies_before_its_first_probe_is_replaced_for_every_client() {
    for client in ["pi", "copilot"] {
        let fixture = KeyFixture::start("off").await;
        let args = ["--client", client];
        fixture.env.helper_with(&args, &[]).await.printed(KEY);
        fixture.put(SECOND).await;
        fixture.gateway.set_keys([secret(SECOND)]);
        let mut runs = 0;
        until(
            &format!("{client} gets the new key"),
            Duration::from_secs(8),
            async || {
                tokio::time::sleep(NEXT_PROMPT).await;
                runs += 1;
                fixture.env.helper_with(&args, &[]).await.stdout.trim_end() == SECOND
            },
        )
        .await;
        println!("{client}: the new key at prompt {runs} after the rotation");
    }
}

/// What a route answers to every key says nothing about how the gateway rejects one.
#[tokio::test]
async fn a_route_that_refuses_everything_is_not_called_reliable() {
    let mut wrong = Vec::new();
    for answer in [
        Answer::json(403, &json!({"message": "Forbidden"})),
        Answer::json(402, &json!({"error": {"message": "pay"}})),
        Answer::error(400, "budget_exceeded", "Budget has been exceeded!"),
    ] {
        let status = answer.status();
        let fixture = KeyFixture::start("off").await;
        fixture.gateway.set_answer(MODELS, Requests::All, answer);
        fixture.env.helper().await.printed(KEY);
        let profile = fixture.until_probed("inconclusive").await;
        if profile["calibration"] == "reliable" || advises(&profile, "the gateway rejects a key") {
            let (calibration, advice) = (&profile["calibration"], &profile["advice"]);
            wrong.push(format!("{status}: {calibration}, {advice}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
