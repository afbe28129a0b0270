//! What is reported for an audit: why a credential is fetched and served, and what becomes of it.

use super::*;
use crate::broker::observer::GrantReason;

/// The cause of the only fetch among the actions, which start at once.
fn cause(slot: &mut Slot) -> FetchCause {
    let causes: Vec<_> = slot
        .take_actions()
        .into_iter()
        .filter_map(|action| match action {
            Action::Fetch { cause, .. } => Some(cause),
            _ => None,
        })
        .collect();
    match causes[..] {
        [cause] => cause,
        ref other => panic!("expected one fetch, got {other:?}"),
    }
}

/// The reason with which the caller with `ticket` is served.
fn reason(slot: &mut Slot, now: Now, ticket: Ticket) -> GrantReason {
    match slot.poll(now, ticket) {
        Outcome::Ready(credential) => ticket.reason(&credential),
        other => panic!("expected a credential, got {other:?}"),
    }
}

/// The names of the changes since the last call.
fn changes(slot: &mut Slot) -> Vec<String> {
    let name = |change: SlotChange| match change {
        SlotChange::Promoted(credential) => format!("promoted {}", credential.secret.expose()),
        SlotChange::Rejected(credential) => format!("rejected {}", credential.secret.expose()),
        SlotChange::Dropped { credential, cause } => {
            format!("dropped {} {cause:?}", credential.secret.expose())
        }
    };
    slot.take_changes().into_iter().map(name).collect()
}

#[test]
fn a_first_key_is_fetched_and_then_cached_renewed_and_replaced_when_it_has_expired() {
    let mut slot = Slot::default();
    let first = slot.acquire(at(0), FIVE_MINUTES);
    assert_eq!(cause(&mut slot), FetchCause::First);
    slot.on_fetched(at(1), 0.5, 1, Ok(key("k1", at(1), Some(3600))));
    assert_eq!(reason(&mut slot, at(1), first), GrantReason::Fetched);
    let second = slot.acquire(at(300), FIVE_MINUTES);
    assert_eq!(reason(&mut slot, at(300), second), GrantReason::Cached);

    let early = slot.acquire(at(3300), FIVE_MINUTES);
    assert_eq!(cause(&mut slot), FetchCause::AheadOfNeed);
    slot.on_fetched(at(3300), 0.5, 2, Err(down()));
    assert_eq!(reason(&mut slot, at(3300), early), GrantReason::Cached);
    slot.acquire(at(4000), FIVE_MINUTES);
    assert_eq!(cause(&mut slot), FetchCause::Expired);
    assert_eq!(changes(&mut slot), [""; 0]);
}

#[test]
fn a_refresh_and_a_newer_version_are_causes() {
    let mut slot = Slot::new(SlotConfig {
        watch: Some(Duration::from_secs(30)),
        ..SlotConfig::default()
    });
    slot.refresh();
    assert_eq!(cause(&mut slot), FetchCause::Forced);
    slot.on_fetched(at(0), 0.5, 1, Ok(key("k1", at(0), None)));
    // The first caller after an idle time waits for the source.
    let ticket = slot.acquire(at(3600), FIVE_MINUTES);
    let [Action::Revalidate { revalidation, .. }] = slot.take_actions()[..] else {
        panic!("expected a revalidation");
    };
    slot.on_revalidated(at(3600), 0.5, revalidation, Ok(Freshness::Stale));
    assert_eq!(cause(&mut slot), FetchCause::Rotation);
    slot.on_fetched(at(3600), 0.5, 2, Ok(key("k2", at(3600), None)));
    assert_eq!(reason(&mut slot, at(3600), ticket), GrantReason::Rotation);
}

#[test]
fn a_rejection_is_stated_or_inferred_until_the_gateway_itself_rejects() {
    for (context, expected, granted) in [
        (
            HelperContext::Rejected,
            FetchCause::RejectionStated,
            GrantReason::RejectionStated,
        ),
        (
            HelperContext::Unstated,
            FetchCause::RejectionInferred,
            GrantReason::RejectionInferred,
        ),
    ] {
        let mut slot = slot_with_gateway();
        changes(&mut slot);
        let request = AcquireRequest {
            context,
            ..from_session(1)
        };
        let ticket = slot.acquire(at(2), request);
        let probe = started_probe(&mut slot);
        slot.on_probed(at(2), probe, ProbeResult::Rejected);
        assert_eq!(changes(&mut slot), ["rejected k1"]);
        let actions = slot.take_actions();
        let [Action::Fetch { flight, cause, .. }] = actions[..] else {
            panic!("expected a fetch, got {actions:?}");
        };
        assert_eq!(cause, expected);
        slot.on_fetched(at(2), 0.5, flight, Ok(key("k2", at(2), None)));
        accept_successor(&mut slot, at(2));
        assert_eq!(changes(&mut slot), ["promoted k2"]);
        assert_eq!(reason(&mut slot, at(2), ticket), granted);
    }
    // A probe that no request has asked for.
    let mut slot = slot_with_gateway();
    let probe = slot.start_probe(at(2), false).unwrap();
    slot.take_actions();
    slot.on_probed(at(2), probe, ProbeResult::Rejected);
    assert_eq!(cause(&mut slot), FetchCause::GatewayRejected);
}

#[test]
fn a_key_that_the_source_refuses_is_dropped() {
    let mut slot = slot_with_gateway();
    slot.refresh();
    let flight = started_fetch(&mut slot);
    changes(&mut slot);
    slot.on_fetched(at(5), 0.5, flight, Err(denied()));
    assert_eq!(changes(&mut slot), ["dropped k1 Denied"]);
}
