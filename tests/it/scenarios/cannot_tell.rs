//! The gateway rejects the key that the source still has, and no probe can tell: the daemon
//! recognizes the client's retries.

use std::time::Duration;

use claviger::demo::gateway::{Answer, Fault, Requests, TestGateway};

use super::{Deployment, FIRST, MACHINE_LOCK, MODELS, SECOND, failing_turn, turn};
use crate::support::{
    answers::{answer, fingerprint, secret},
    poll::timed,
    until,
};

/// How soon, from the beginning of the turn, the helper must fail: at its fifth run, about 9 s
/// after the first.
const FAILURE_LIMIT: Duration = Duration::from_secs(17);

/// How soon the client must end the turn: at the third run that fails, and these are the fifth to
/// the seventh, 9, 18 and 36 s after the first.
const REPORT_LIMIT: Duration = Duration::from_secs(45);

/// Why no probe can tell.
struct Cause {
    name: &'static str,
    /// Lines of the profile's table.
    profile: &'static str,
    /// What the gateway does before the client starts.
    set: fn(&TestGateway),
    /// Whether the gateway accepts the key at first.
    is_accepted_first: bool,
    /// The end of the helper's message.
    reason: &'static str,
    /// A part of the advice in `status`.
    advice: &'static str,
}

const CAUSES: [Cause; 4] = [
    Cause {
        name: "no route",
        profile: "",
        set: |gateway| {
            let not_found = Answer::error(404, "not_found_error", "Not Found");
            gateway.set_answer(MODELS, Requests::All, not_found);
        },
        is_accepted_first: true,
        reason: "the probe cannot tell",
        advice: "the probe proves nothing: the gateway lacks the probed route",
    },
    Cause {
        name: "any key taken",
        profile: "",
        set: |gateway| gateway.set_fault(MODELS, Fault::Unchecked),
        is_accepted_first: true,
        reason: "the probe cannot tell",
        advice: "the probe proves nothing: the gateway accepts any key on the probed route",
    },
    Cause {
        name: "probe off",
        profile: "probe = \"off\"",
        set: |_| {},
        is_accepted_first: true,
        reason: "no probe checks it",
        advice: "the probe is off, so that a key that the gateway rejects is found only by",
    },
    Cause {
        name: "never accepted",
        profile: "",
        set: |gateway| gateway.revoke(&secret(FIRST)),
        is_accepted_first: false,
        reason: "the probe cannot tell",
        advice: "the probe proves nothing: status 401 on a route that has not accepted",
    },
];

#[tokio::test]
async fn a_rejected_key_is_reported_at_the_fifth_run_of_the_helper() {
    // The client's time is measured; clients that sleep most of it do not disturb each other.
    let _exclusive = MACHINE_LOCK.write().await;
    let [no_route, any_key, off, never] = CAUSES.map(is_reported_and_replaced);
    tokio::join!(no_route, any_key, off, never);
}

async fn is_reported_and_replaced(cause: Cause) {
    let gateway = TestGateway::start([secret(FIRST)]).await.unwrap();
    (cause.set)(&gateway);
    let deployment = Deployment::with_profile(gateway, cause.profile, "off", &[]).await;
    let mut session = deployment.client.session();
    if cause.is_accepted_first {
        turn(&mut session, "before").await;
    }

    deployment.gateway.revoke(&secret(FIRST));
    let before = deployment.counts();
    let failure = until("the helper fails", FAILURE_LIMIT, async || {
        deployment.env.log().contains("served no key")
    });
    let ((text, took), ((), failed)) = tokio::join!(failing_turn(&mut session), timed(failure));
    let counts = deployment.counts().since(before);
    println!(
        "a rejected key, {}: the helper fails after {failed:?}, reported after {took:?}, {counts}: \
         {text}",
        cause.name
    );
    let profile = deployment.profile().await;
    assert_eq!(
        (&profile["state"], &profile["rejection_evidence"]),
        (&"rejected".into(), &"client-retries".into()),
        "{profile}"
    );
    let advice = profile["advice"].to_string();
    assert!(advice.contains(cause.advice), "{profile}");

    deployment.gateway.accept(secret(SECOND));
    deployment.put_second().await;
    let ((), answered) = timed(turn(&mut session, "with the next version")).await;
    let counts = deployment.counts().since(before);
    println!(
        "with the next version, {}: answered after {answered:?}; in all {counts}",
        cause.name
    );
    assert_eq!(deployment.answers().last(), Some(&answer(200, SECOND)));
    deployment.assert_second_is_ready().await;
    let (status, stderr) = session.end().await;
    deployment.record_transcript();
    assert!(status.success(), "{stderr}");
    let message = format!(
        "apiKeyHelper failed: exited 4: claviger: the gateway probably rejects the key {}: \
         the client has retried since ",
        fingerprint(FIRST)
    );
    assert!(stderr.contains(&message), "{stderr}");
    assert!(stderr.contains(cause.reason), "{stderr}");
    assert!(took < REPORT_LIMIT, "{took:?}");
}
