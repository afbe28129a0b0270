//! The gateway answers nobody, and the key is fine.

use claviger::demo::gateway::Fault;
use http::StatusCode;

use super::{Deployment, FIRST, MESSAGES, MODELS, NOTICED, STAGE, answer, fingerprint, turn};
use crate::support::until;

/// How often the client's settings are touched meanwhile, and a turn taken: each makes the key look suspect.
const TOUCHES: usize = 5;

#[tokio::test]
async fn a_gateway_that_is_down_costs_a_read_or_two_and_no_key() {
    let _shared = STAGE.read().await;
    // The client's own retries last minutes otherwise.
    let deployment = Deployment::new("off", &[("CLAUDE_CODE_MAX_RETRIES", "1")]).await;
    let mut session = deployment.client.session();
    turn(&mut session, "before").await;
    let before = deployment.count();
    let runs = || deployment.runs_of_the_helper();
    let runs_before = runs();

    for path in [MESSAGES, MODELS] {
        let fault = Fault::Status(StatusCode::SERVICE_UNAVAILABLE);
        deployment.gateway.set_fault(path, fault);
    }
    let mut turns = 0;
    for _ in 0..TOUCHES {
        let runs_so_far = runs();
        deployment.touch_settings();
        until("the client has asked for a key", NOTICED, async || {
            turns += 1;
            let failed = session.turn("is anybody there?").await;
            assert!(failed.is_error, "{failed:?}");
            runs() > runs_so_far
        })
        .await;
    }
    let down = deployment.count().since(before);
    let runs = runs() - runs_before;
    println!("the gateway down for {turns} turns and {runs} runs of the helper: {down}");
    deployment.env.helper().await.printed(FIRST);
    let profile = deployment.profile().await;
    assert_eq!(
        (&profile["fingerprint"], &profile["state"]),
        (&fingerprint(FIRST).into(), &"ready".into()),
        "{profile}"
    );
    assert!(runs >= TOUCHES, "{runs}");
    // The first doubt, and one more after 10 s and after another 20 s.
    assert!((1..=3).contains(&down.reads), "{down}");

    deployment.gateway.clear_faults();
    turn(&mut session, "after").await;
    deployment.end(session).await;
    assert_eq!(deployment.answers().last(), Some(&answer(200, FIRST)));
    assert_eq!(deployment.count().refused, 0);
}
