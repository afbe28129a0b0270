//! Many sessions of one developer get a 401 at once.

use std::time::Duration;

use super::{Deployment, FIRST, MACHINE_LOCK, SECOND, turn};
use crate::support::{answers::answer, claude::ClaudeSession, poll::timed};

/// Each takes about 250 MB.
const SESSIONS: usize = 20;

/// The limit from the first 401 to the last session's answer. A client retries after about one
/// second, and twenty clients share one or two cores.
const RECOVERY_LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn twenty_sessions_with_a_401_cost_one_read() {
    let _exclusive = MACHINE_LOCK.write().await;
    let deployment = Deployment::new("off", &[]).await;
    let (sessions, started) = timed(async {
        let sessions = (0..SESSIONS).map(|_| deployment.client.session()).collect();
        turn_in_each(sessions, "before").await
    })
    .await;
    let before = deployment.counts();
    assert_eq!((before.refused, before.reads), (0, 1), "{before}");
    assert_eq!(before.answered, SESSIONS, "{before}");

    deployment.rotate_at_once().await;
    let (sessions, took) = timed(turn_in_each(sessions, "after")).await;
    let (counts, recovery) = (deployment.counts().since(before), deployment.recovery());
    println!(
        "{SESSIONS} sessions (up in {started:?}): {counts}, the last one recovered {recovery:?} after the first 401, \
         the turn took {took:?}"
    );
    for session in sessions {
        deployment.end(session).await;
    }

    assert_eq!(counts.reads, 1, "{counts}");
    assert_eq!(
        (counts.refused, counts.answered),
        (SESSIONS, SESSIONS),
        "{counts}"
    );
    // Each was refused once, and its first retry has the new key.
    for expected in [answer(200, FIRST), answer(401, FIRST), answer(200, SECOND)] {
        let answers = deployment.answers().into_iter();
        let equal = answers.filter(|answer| *answer == expected);
        assert_eq!(equal.count(), SESSIONS);
    }
    assert!(counts.probes <= 7, "{counts}");
    assert!(recovery < RECOVERY_LIMIT, "{recovery:?}");
}

/// Takes a turn in all sessions at once.
async fn turn_in_each(sessions: Vec<ClaudeSession>, prompt: &'static str) -> Vec<ClaudeSession> {
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
