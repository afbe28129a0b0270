//! The key is valid, and the client runs the helper early for another reason.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock};

use super::{Deployment, MACHINE_LOCK, turn};

const TOUCHES: u32 = 10;

/// The time from one touch to the next. Growing pauses would look like a client's back-off: the
/// daemon would read the source once, regardless of the probe's result.
const INTERVAL: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_touched_settings_file_costs_no_read() {
    let _shared = MACHINE_LOCK.read().await;
    let deployment = Deployment::new("off", &[]).await;
    let mut session = deployment.start_session().await;
    let before = deployment.counts();
    let runs_before = deployment.helper_runs();

    let clock = SystemClock;
    let start = clock.now().tick;
    let mut turns = 0;
    for touch in 1..=TOUCHES {
        // The passing of time is what is tested: a user's touches come at an even pace.
        clock.sleep_until(start + INTERVAL * touch).await;
        let answered_turn = async || {
            turns += 1;
            turn(&mut session, &format!("{touch}, {turns}")).await;
        };
        deployment.touch_settings(answered_turn).await;
    }
    deployment.end(session).await;

    let counts = deployment.counts().since(before);
    let runs = deployment.helper_runs() - runs_before;
    println!("settings touched {TOUCHES} times: {runs} runs of the helper, {counts}");
    assert!(runs >= usize::try_from(TOUCHES).unwrap(), "{runs}");
    assert_eq!(
        (counts.refused, counts.reads, counts.revalidations),
        (0, 0, 0),
        "{counts}"
    );
}
