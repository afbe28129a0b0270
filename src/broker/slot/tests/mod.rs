//! The policy of a slot, without tasks or time: each test reports events and checks what the slot
//! does.
//!
//! The fixtures are here; a file each is about obtaining and renewing (`lifecycle`), early requests
//! (`early_request`), rejected keys (`rejected_key`), clients that keep coming back (`refusal`) or
//! do not cache (`uninformative`), the time without requests (`unused`), what is reported for an
//! audit (`changes`), rotation at the source (`rotation`) and by policy (`rotate_after`), newer
//! keys (`succession`), keys without an expiry (`max_age`), and any sequence of all that (`model`:
//! a `world` with a `gateway_truth` and `clients`).

mod changes;
mod clients;
mod early_request;
mod gateway_truth;
mod lifecycle;
mod max_age;
mod model;
mod refusal;
mod rejected_key;
mod rotate_after;
mod rotation;
mod succession;
mod uninformative;
mod unused;
mod world;

use super::*;
use crate::{
    client_session::ClientSession,
    clock::Timestamp,
    gateway::{Inconclusive, ProbeResult},
    secret::Secret,
    source::TransportError,
};

/// The request of a client that caches for five minutes and whose process is unknown.
const FIVE_MINUTES: AcquireRequest = AcquireRequest::new(Duration::from_secs(300), None);

/// The time `seconds` after the start, by both clocks.
fn at(seconds: u64) -> Now {
    Now {
        tick: Tick(Duration::from_secs(10_000 + seconds)),
        wall: Timestamp::from_second(1_800_000_000 + i64::try_from(seconds).unwrap()).unwrap(),
    }
}

fn key(text: &str, obtained: Now, lifetime: Option<u64>) -> Credential {
    Credential {
        secret: Secret::new(text.to_owned()),
        obtained,
        issued: None,
        lifetime: lifetime.map(Duration::from_secs),
        version: None,
        lease: None,
    }
}

fn down() -> SourceError {
    SourceError::Unreachable {
        host: "vault.test:8200".to_owned(),
        error: TransportError::Refused,
    }
}

fn denied() -> SourceError {
    SourceError::Denied {
        host: "vault.test:8200".to_owned(),
        path: "secret/key".to_owned(),
        reason: "permission denied".to_owned(),
    }
}

/// The key that is served.
fn served(outcome: Outcome) -> String {
    match outcome {
        Outcome::Ready(credential) => credential.secret.expose().to_owned(),
        other => panic!("expected a credential, got {other:?}"),
    }
}

/// The number of the fetch that the slot has just started.
fn started_fetch(slot: &mut Slot) -> u64 {
    match slot.take_actions()[..] {
        [Action::Fetch { flight, .. }] => flight,
        ref other => panic!("expected one fetch, got {other:?}"),
    }
}

/// A slot without a gateway that has cached the key `text` since second 0.
fn slot_with(text: &str, lifetime: Option<u64>) -> Slot {
    let mut slot = Slot::default();
    slot.acquire(at(0), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(0), 0.5, flight, Ok(key(text, at(0), lifetime)));
    slot
}

/// The request of the client process `pid`.
fn from_session(pid: u32) -> AcquireRequest {
    AcquireRequest {
        session: Some(ClientSession { pid, started: 1 }),
        ..FIVE_MINUTES
    }
}

/// A slot with a gateway; the client process 1 was served `k1` at second 0.
fn slot_with_gateway() -> Slot {
    let mut slot = Slot::new(SlotConfig {
        watch: None,
        has_gateway: true,
        max_age: None,
    });
    let ticket = slot.acquire(at(0), from_session(1));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(0), 0.5, flight, Ok(key("k1", at(0), None)));
    assert_eq!(served(slot.poll(at(0), ticket)), "k1");
    // The gateway has accepted it before.
    slot.evidence.on_probed(at(0).tick, &ProbeResult::Accepted);
    slot
}

/// The number of the probe that the slot has just started.
fn started_probe(slot: &mut Slot) -> u64 {
    match &slot.take_actions()[..] {
        [Action::Probe { probe, .. }] => *probe,
        other => panic!("expected one probe, got {other:?}"),
    }
}

/// The gateway reports this about the successor whose trial has just started.
fn report_on_successor(slot: &mut Slot, now: Now, result: ProbeResult) {
    match slot.take_actions()[..] {
        [Action::ProbeSuccessor { probe, .. }] => slot.on_successor_probed(now, probe, result),
        ref other => panic!("expected one trial, got {other:?}"),
    }
}

/// The gateway accepts the successor whose trial has just started.
fn accept_successor(slot: &mut Slot, now: Now) {
    report_on_successor(slot, now, ProbeResult::Accepted);
}

fn inconclusive() -> ProbeResult {
    ProbeResult::Inconclusive(Inconclusive::NotTheKey {
        status: 503,
        cause: "service unavailable".to_owned(),
    })
}

/// The rejected key that the outcome reports.
fn rejected(outcome: Outcome) -> Rejected {
    match outcome {
        Outcome::Failed(CredentialUnavailable {
            reason: Reason::Rejected(rejected),
            ..
        }) => rejected,
        other => panic!("expected a rejected key, got {other:?}"),
    }
}
