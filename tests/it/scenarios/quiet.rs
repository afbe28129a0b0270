//! Nothing is wrong with the key, whatever it looks like.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock};

use super::{Deployment, NOTICED, STAGE, turn};
use crate::support::until;

const TOUCHES: u32 = 10;

/// From one touch to the next. Pauses that grow and grow would look like a client's back-off: then the daemon asks the
/// source once, whatever the gateway says.
const PACE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_settings_file_that_is_touched_costs_the_source_nothing() {
    let _shared = STAGE.read().await;
    let deployment = Deployment::new("off", &[]).await;
    let mut session = deployment.client.session();
    turn(&mut session, "before").await;
    let before = deployment.count();
    let runs = || deployment.runs_of_the_helper();
    let runs_before = runs();

    let clock = SystemClock;
    let start = clock.now().tick;
    let mut turns = 0;
    for touch in 1..=TOUCHES {
        // Nothing is waited for but time: an even pace is what a person's touches have.
        clock.sleep_until(start + PACE * touch).await;
        let runs_so_far = runs();
        deployment.touch_settings();
        // The client forgets its key when it has noticed, and asks for one at its next turn.
        until("the client has asked for a key", NOTICED, async || {
            turns += 1;
            turn(&mut session, &format!("{touch}, {turns}")).await;
            runs() > runs_so_far
        })
        .await;
    }
    deployment.end(session).await;

    let count = deployment.count().since(before);
    let runs = runs() - runs_before;
    println!("settings touched {TOUCHES} times: {runs} runs of the helper, {count}");
    assert!(runs >= usize::try_from(TOUCHES).unwrap(), "{runs}");
    assert_eq!(
        (count.refused, count.reads, count.looks),
        (0, 0, 0),
        "{count}"
    );
}
