//! The key is valid, and the client runs the helper early for another reason.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock};

use super::{Deployment, MACHINE_LOCK, SETTINGS_RELOAD_LIMIT, turn};
use crate::support::until;

const TOUCHES: u32 = 10;

/// The time from one touch to the next. Growing pauses would look like a client's back-off: the
/// daemon would read the source once, regardless of the probe's result.
const INTERVAL: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_touched_settings_file_costs_no_read() {
    let _shared = MACHINE_LOCK.read().await;
    let deployment = Deployment::new("off", &[]).await;
    let mut session = deployment.client.session();
    turn(&mut session, "before").await;
    let before = deployment.counts();
    let runs = || deployment.helper_runs();
    let runs_before = runs();

    let clock = SystemClock;
    let start = clock.now().tick;
    let mut turns = 0;
    for touch in 1..=TOUCHES {
        // The passing of time is what is tested: a user's touches come at an even pace.
        clock.sleep_until(start + INTERVAL * touch).await;
        let runs_so_far = runs();
        deployment.client.touch_settings();
        // Once it has noticed, the client drops its key and runs the helper at its next turn.
        until(
            "the client has run the helper",
            SETTINGS_RELOAD_LIMIT,
            async || {
                turns += 1;
                turn(&mut session, &format!("{touch}, {turns}")).await;
                runs() > runs_so_far
            },
        )
        .await;
    }
    deployment.end(session).await;

    let counts = deployment.counts().since(before);
    let runs = runs() - runs_before;
    println!("settings touched {TOUCHES} times: {runs} runs of the helper, {counts}");
    assert!(runs >= usize::try_from(TOUCHES).unwrap(), "{runs}");
    assert_eq!(
        (counts.refused, counts.reads, counts.revalidations),
        (0, 0, 0),
        "{counts}"
    );
}
