//! Many sessions of one developer meet the same 401.

use std::time::Duration;

use super::{Deployment, FIRST, SECOND, STAGE, answer, turn};
use crate::support::{client::Session, poll::timed};

/// At some 250 MB each.
const SESSIONS: usize = 20;

/// From the first 401 to the last session's answer. A retry comes after about a second, and twenty clients share a core
/// or two.
const RECOVERED: Duration = Duration::from_secs(30);

#[tokio::test]
async fn twenty_sessions_that_meet_the_same_401_cost_one_reissue() {
    let _alone = STAGE.write().await;
    let deployment = Deployment::new("off", &[]).await;
    let (sessions, started) = timed(async {
        let sessions = (0..SESSIONS).map(|_| deployment.client.session()).collect();
        all_turn(sessions, "before").await
    })
    .await;
    let before = deployment.count();
    assert_eq!((before.refused, before.reads), (0, 1), "{before}");
    assert_eq!(before.answered, SESSIONS, "{before}");

    deployment.rotate_at_once().await;
    let (sessions, took) = timed(all_turn(sessions, "after")).await;
    let (count, recovery) = (deployment.count().since(before), deployment.recovery());
    println!(
        "{SESSIONS} sessions (up in {started:?}): {count}, the last one recovered {recovery:?} after the first 401, \
         the turn took {took:?}"
    );
    for session in sessions {
        deployment.end(session).await;
    }

    assert_eq!(count.reads, 1, "{count}");
    assert_eq!(
        (count.refused, count.answered),
        (SESSIONS, SESSIONS),
        "{count}"
    );
    // Each was refused once, and its first retry had the new key.
    for expected in [answer(200, FIRST), answer(401, FIRST), answer(200, SECOND)] {
        let seen = deployment.answers().into_iter();
        assert_eq!(seen.filter(|seen| *seen == expected).count(), SESSIONS);
    }
    assert!(count.probes <= 7, "{count}");
    assert!(recovery < RECOVERED, "{recovery:?}");
}

/// A turn of each of them at once.
async fn all_turn(sessions: Vec<Session>, prompt: &'static str) -> Vec<Session> {
    let turns: Vec<_> = sessions
        .into_iter()
        .map(|mut session| {
            tokio::spawn(async move {
                turn(&mut session, prompt).await;
                session
            })
        })
        .collect();
    let mut sessions = Vec::with_capacity(turns.len());
    for turn in turns {
        sessions.push(turn.await.unwrap());
    }
    sessions
}
