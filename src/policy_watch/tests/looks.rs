//! When looks happen, and what they change.

use super::*;

#[tokio::test]
async fn the_first_request_waits_for_the_policy() {
    let machine = Machine::new(policy(41));
    assert_eq!(machine.requests(), 0, "nothing before a request");
    assert_eq!(machine.request().await, Ok(41));
    assert_eq!(*sync::lock(&machine.observed.counter), Some(41));
    let accepted = PolicyEvent::Accepted {
        counter: 41,
        key_id: crate::policy::key_id(&key().public()),
    };
    assert_eq!(machine.events(), [accepted]);
}

#[tokio::test]
async fn without_a_policy_there_is_a_reason_and_it_is_reported_once() {
    let machine = Machine::new(Answer::Fails("unexpected status 404"));
    let error = machine.request().await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the company's policy has not arrived from 'https://c.test/policy.jws' yet: unexpected \
         status 404"
    );
    machine.pass(secs(60)).await;
    assert!(machine.requests() > 4, "it is looked for again soon");
    let reason = "unexpected status 404".to_owned();
    assert_eq!(machine.events(), [PolicyEvent::Failed { reason }]);
    machine.publish(policy(41));
    machine.pass(secs(12)).await;
    assert_eq!(machine.request().await, Ok(41));
}

#[tokio::test]
async fn a_server_that_does_not_answer_delays_a_request_for_a_bounded_time() {
    let machine = Machine::new(Answer::Hangs);
    let (waiting, clock) = (machine.request(), machine.clock.clone());
    let start = clock.now().tick;
    let advance = async {
        while machine.requests() == 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(crate::policy::LOOK_TIMEOUT);
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        result = waiting => result.unwrap_err(),
        () = advance => unreachable!(),
    };
    assert!(error.to_string().contains("has not arrived"), "{error}");
    assert_eq!(clock.now().tick.since(start), crate::policy::LOOK_TIMEOUT);
    machine.until(|machine| !machine.events().is_empty()).await;
    let reason = "timed out after 5s".to_owned();
    assert_eq!(machine.events(), [PolicyEvent::Failed { reason }]);
}

#[tokio::test]
async fn the_last_good_policy_survives_the_daemon_with_its_entity_tag() {
    let machine = Machine::new(tagged(41, "\"a\""));
    assert_eq!(machine.request().await, Ok(41));
    let machine = machine.restarted(None);
    assert_eq!(machine.counter(), Some(41), "before the first look");
    assert_eq!(*sync::lock(&machine.observed.counter), Some(41));
    machine.publish(Answer::Fails("refused"));
    assert_eq!(machine.request().await, Ok(41), "during an outage");
    let etags = sync::lock(&machine.server.requests).clone();
    assert_eq!(etags, [None, Some("\"a\"".to_owned())]);
}

#[tokio::test]
async fn an_unchanged_policy_is_confirmed_by_its_entity_tag_alone() {
    let machine = Machine::new(tagged(41, "\"a\""));
    machine.request().await.unwrap();
    machine.clock.advance(secs(3000));
    machine.request().await.unwrap();
    machine.clock.advance(secs(3000));
    assert_eq!(machine.request().await, Ok(41), "seen within the hour");
    assert_eq!(machine.events().len(), 1);
    // The tag of what is refused is not that of the policy in force.
    machine.publish(tagged(40, "\"old\""));
    machine.pass(secs(66)).await;
    machine.publish(tagged(42, "\"b\""));
    machine.pass(secs(66)).await;
    assert_eq!(machine.counter(), Some(42));
    let etags = sync::lock(&machine.server.requests).clone();
    assert!(!etags.contains(&Some("\"old\"".to_owned())), "{etags:?}");
}

#[tokio::test]
async fn a_rollback_is_refused_and_reported_once() {
    let machine = Machine::new(policy(42));
    machine.request().await.unwrap();
    machine.publish(policy(41));
    machine.pass(secs(300)).await;
    assert_eq!(machine.counter(), Some(42));
    let refused = |event: &&PolicyEvent| matches!(event, PolicyEvent::Refused { .. });
    assert_eq!(machine.events().iter().filter(refused).count(), 1);
    machine.publish(policy(42));
    machine.pass(secs(66)).await;
    let last = machine.events().pop();
    assert_eq!(last, Some(PolicyEvent::Resumed { counter: 42 }));
}

#[tokio::test]
async fn a_removed_file_lowers_no_counter_that_the_audit_log_has() {
    let machine = Machine::new(policy(42));
    machine.request().await.unwrap();
    std::fs::remove_file(machine.file()).unwrap();
    machine.publish(policy(41));
    let machine = machine.restarted(Some(42));
    let error = machine.request().await.unwrap_err().to_string();
    assert!(error.contains("at least 42"), "{error}");
    machine.publish(policy(42));
    machine.pass(secs(12)).await;
    assert_eq!(machine.request().await, Ok(42));
}

/// The server is asked for its text, which has the reason.
#[tokio::test]
async fn a_stored_policy_below_the_minimum_is_fetched_without_its_entity_tag() {
    let machine = Machine::new(tagged(41, "\"a\""));
    machine.request().await.unwrap();
    let machine = machine.restarted(Some(42));
    let error = machine.request().await.unwrap_err().to_string();
    assert!(error.contains("counter 41"), "{error}");
    assert_eq!(*sync::lock(&machine.server.requests), [None, None]);
}

#[tokio::test]
async fn a_file_that_was_changed_is_no_policy() {
    let machine = Machine::new(policy(42));
    machine.request().await.unwrap();
    let text = std::fs::read_to_string(machine.file()).unwrap();
    let Answer::Text(other, _) = policy(43) else {
        unreachable!()
    };
    let Answer::Text(signed, _) = policy(42) else {
        unreachable!()
    };
    // The signature of another policy.
    let (body, signature) = (
        signed.rsplit_once('.').unwrap().0,
        other.rsplit_once('.').unwrap().1,
    );
    std::fs::write(
        machine.file(),
        text.replace(&signed, &format!("{body}.{signature}")),
    )
    .unwrap();
    let machine = machine.restarted(None);
    assert_eq!(machine.counter(), None);
    assert_eq!(machine.request().await, Ok(42), "it is fetched again");
}

#[tokio::test]
async fn an_idle_daemon_does_not_look_and_the_next_request_looks_first() {
    let machine = Machine::new(policy(41));
    machine.request().await.unwrap();
    machine.pass(secs(900)).await;
    let in_use = machine.requests();
    assert!(
        (14..=16).contains(&in_use),
        "{in_use} looks in a quarter of an hour"
    );
    machine.pass(secs(1800)).await;
    assert_eq!(machine.requests(), in_use);
    machine.publish(policy(42));
    assert_eq!(machine.request().await, Ok(42));
}

#[tokio::test]
async fn after_its_maximum_age_an_unseen_policy_gives_no_keys() {
    let machine = Machine::new(policy(41));
    machine.request().await.unwrap();
    machine.publish(Answer::Fails("refused"));
    machine.clock.advance(secs(3600));
    assert_eq!(machine.request().await, Ok(41));
    machine.clock.advance(secs(1));
    let error = machine.request().await.unwrap_err().to_string();
    assert!(
        error.contains("last seen at 'https://c.test/policy.jws'") && error.contains("1h"),
        "{error}"
    );
    machine.publish(policy(41));
    machine.pass(secs(12)).await;
    assert_eq!(machine.request().await, Ok(41), "seen again");
}

#[tokio::test]
async fn a_configuration_without_a_place_ends_the_policy() {
    let machine = Machine::new(policy(41));
    machine.request().await.unwrap();
    machine
        .watch
        .configure(&config(), || unreachable!("unchanged"));
    assert_eq!(machine.counter(), Some(41));
    machine.watch.configure(&PolicyConfig::default(), || None);
    let deadline = machine.clock.now().tick;
    assert_eq!(machine.watch.current(deadline).await, Ok(None));
    assert_eq!(*sync::lock(&machine.observed.counter), None);
    machine.watch.configure(&config(), || None);
    assert_eq!(machine.counter(), Some(41), "from its file");
}

#[tokio::test]
async fn being_seen_is_written_down_now_and_then() {
    let machine = Machine::new(policy(41));
    machine.request().await.unwrap();
    let written = || {
        std::fs::metadata(machine.file())
            .unwrap()
            .modified()
            .unwrap()
    };
    let (first, start) = (written(), machine.clock.now().wall);
    machine.pass(secs(200)).await;
    assert_eq!(written(), first);
    machine.pass(secs(100)).await;
    let seen_at = machine.watch.file.read().unwrap().unwrap().seen_at;
    assert!(seen_at.duration_since(start).as_secs() >= 225, "{seen_at}");
}

/// The time from the publication of a policy until requests are judged by it, for looks at random
/// times of a daemon in use.
async fn delay(random: &mut fastrand::Rng) -> Duration {
    let machine = Machine::new(policy(1));
    machine.request().await.unwrap();
    machine.pass(secs(random.u64(1..120))).await;
    machine.publish(policy(2));
    let published = machine.clock.now().tick;
    while machine.counter() != Some(2) {
        machine.pass(secs(1)).await;
    }
    machine.clock.now().tick.since(published)
}

#[tokio::test]
async fn a_daemon_in_use_has_a_policy_within_the_worst_case() {
    let worst = worst_case(secs(60));
    let mut latest = Duration::ZERO;
    for seed in 0..40 {
        let delay = delay(&mut fastrand::Rng::with_seed(seed)).await;
        assert!(delay <= worst, "seed {seed}: {delay:?}");
        latest = latest.max(delay);
    }
    assert!(
        latest > secs(45),
        "{latest:?}: the bound is not a loose one"
    );
}
