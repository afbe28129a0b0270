//! The gateway is down, and the key is valid.

use claviger::demo::gateway::Fault;
use http::StatusCode;

use super::{Deployment, FIRST, MACHINE_LOCK, MODELS, turn};
use crate::support::answers::{MESSAGES, answer, fingerprint};

/// How often the client's settings are touched and a turn is taken: each time, the early run of the
/// helper makes the key look rejected.
const TOUCHES: usize = 5;

#[tokio::test]
async fn a_gateway_that_is_down_costs_at_most_three_reads_and_no_key() {
    let _shared = MACHINE_LOCK.read().await;
    // Otherwise the client's retries take minutes.
    let deployment = Deployment::new("off", &[("CLAUDE_CODE_MAX_RETRIES", "1")]).await;
    let mut session = deployment.start_session().await;
    let before = deployment.counts();
    let runs_before = deployment.helper_runs();

    for path in [MESSAGES, MODELS] {
        let fault = Fault::Status(StatusCode::SERVICE_UNAVAILABLE);
        deployment.gateway.set_fault(path, fault);
    }
    let mut turns = 0;
    for _ in 0..TOUCHES {
        let failing_turn = async || {
            turns += 1;
            let failed = session.turn("a turn without a gateway").await;
            assert!(failed.is_error, "{failed:?}");
        };
        deployment.touch_settings(failing_turn).await;
    }
    let down = deployment.counts().since(before);
    let runs = deployment.helper_runs() - runs_before;
    println!("the gateway down for {turns} turns and {runs} runs of the helper: {down}");
    deployment.env.helper().await.printed(FIRST);
    let profile = deployment.profile().await;
    assert_eq!(
        (&profile["fingerprint"], &profile["state"]),
        (&fingerprint(FIRST).into(), &"ready".into()),
        "{profile}"
    );
    assert!(runs >= TOUCHES, "{runs}");
    // The first refetch, and one more after 10 s and after another 20 s.
    assert!((1..=3).contains(&down.reads), "{down}");

    deployment.gateway.clear_faults();
    turn(&mut session, "after").await;
    deployment.end(session).await;
    assert_eq!(deployment.answers().last(), Some(&answer(200, FIRST)));
    assert_eq!(deployment.counts().refused, 0);
}
