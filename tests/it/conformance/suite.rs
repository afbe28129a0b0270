//! What every source must do.

use std::time::Duration;

use super::fixture::{SourceFault, SourceFixture};
use crate::support::{
    poll::{SOON, timed, until},
    test_env::ProgramOutput,
};

/// The time-out of the fixtures' sources, and what a busy machine adds.
const FAULT_TIME: Duration = Duration::from_secs(4);

/// Runs the shim, which must print one of the source's keys.
pub(super) async fn key(fixture: &impl SourceFixture) -> String {
    let output = fixture.env().helper().await;
    let key = output.stdout.trim_end().to_owned();
    output.printed(&key);
    assert!(fixture.is_key(&key), "not a key of the source");
    fixture.env().add_secret(&key);
    key
}

/// Runs the shim until it prints a key that is not `old`.
pub(super) async fn another_key(fixture: &impl SourceFixture, old: &str) -> String {
    let mut new = String::new();
    until("another key is printed", SOON, async || {
        let output = fixture.env().helper().await;
        fixture.env().add_secret(&output.stdout);
        output.stdout.trim_end().clone_into(&mut new);
        output.code == Some(0) && new != old
    })
    .await;
    assert!(fixture.is_key(&new), "not a key of the source");
    new
}

pub(super) async fn refresh(fixture: &impl SourceFixture) -> ProgramOutput {
    fixture.env().claviger(&["refresh"]).await
}

pub(super) async fn issues_and_serves_from_memory<F: SourceFixture>() {
    let fixture = F::start().await;
    let first = key(&fixture).await;
    let requests = fixture.requests();
    for _ in 0..3 {
        assert_eq!(key(&fixture).await, first);
    }
    assert_eq!(fixture.requests(), requests);
    let profile = &fixture.env().status().await["profiles"][0];
    assert_eq!(profile["state"], "ready", "{profile}");
}

pub(super) async fn renews_or_reissues<F: SourceFixture>() {
    let fixture = F::start().await;
    key(&fixture).await;
    refresh(&fixture).await.succeeded();
    key(&fixture).await;
    let before = key(&fixture).await;
    fixture.replace().await;
    refresh(&fixture).await.succeeded();
    assert_ne!(key(&fixture).await, before);
}

pub(super) async fn an_expired_or_replaced_key_is_not_served<F: SourceFixture>() {
    let fixture = F::start_short_lived().await;
    let first = key(&fixture).await;
    fixture.replace().await;
    let second = another_key(&fixture, &first).await;
    // Never the first one again.
    assert_ne!(key(&fixture).await, first);
    assert_ne!(second, first);
}

pub(super) async fn a_revoked_login_is_reported<F: SourceFixture>() {
    let fixture = F::start().await;
    let before = key(&fixture).await;
    fixture.revoke().await;
    refresh(&fixture).await.failed(F::REVOKED, &["hint: "]);
    if F::REVOKED_IS_FINAL {
        fixture.env().helper().await.failed(F::REVOKED, &["hint: "]);
    } else {
        assert_eq!(key(&fixture).await, before, "it is as good as it was");
    }
}

pub(super) async fn the_cached_key_outlives_every_fault<F: SourceFixture>() {
    let fixture = F::start().await;
    for &fault in F::FAULTS {
        let before = key(&fixture).await;
        fixture.fail(fault);
        let (output, took) = timed(refresh(&fixture)).await;
        failed_by(&output, fault);
        assert!(took < FAULT_TIME, "{fault:?}: {took:?}");
        let (served, took) = timed(key(&fixture)).await;
        assert_eq!(served, before, "{fault:?}");
        assert!(took < Duration::from_secs(2), "{fault:?}: {took:?}");
        let profile = &fixture.env().status().await["profiles"][0];
        assert_eq!(profile["state"], "ready", "{fault:?}: {profile}");
        assert!(profile["last_error"].is_string(), "{fault:?}: {profile}");
        fixture.recover();
        refresh(&fixture).await.succeeded();
    }
}

pub(super) async fn a_fault_at_the_first_fetch_is_an_error_and_heals<F: SourceFixture>() {
    for &fault in F::FAULTS {
        let fixture = F::start().await;
        fixture.fail(fault);
        let (output, took) = timed(fixture.env().helper()).await;
        failed_by(&output, fault);
        assert!(took < FAULT_TIME, "{fault:?}: {took:?}");
        fixture.recover();
        another_key(&fixture, "").await;
    }
}

pub(super) async fn a_client_that_gives_up_cancels_nothing<F: SourceFixture>() {
    if !F::FAULTS.contains(&SourceFault::Hang) {
        return;
    }
    let fixture = F::start().await;
    fixture.fail(SourceFault::Hang);
    let give_up = fixture.env().helper_with(&["--timeout-ms", "700"], &[]);
    let (output, took) = timed(give_up).await;
    failed_by(&output, SourceFault::Hang);
    assert!(took < Duration::from_secs(2), "{took:?}");
    fixture.recover();
    another_key(&fixture, "").await;
}

#[track_caller]
fn failed_by(output: &ProgramOutput, fault: SourceFault) {
    let code = output.code.unwrap_or(-1);
    assert!(fault.codes().contains(&code), "{fault:?}: {output:?}");
    output.failed(code, &["hint: "]);
}
