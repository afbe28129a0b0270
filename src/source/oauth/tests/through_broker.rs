//! The source behind the broker: a day of helpers, and a day without a network.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    World,
    faults::{Fault, Moment},
    server::{LIFETIME, Rotation},
};
use crate::{
    broker::{AcquireError, AcquireRequest, Broker, Jitter, Route, slot::Reason},
    client_variables::ClientVariables,
    clock::Clock,
    credential::Credential,
    source::{Source, SourceError},
};

const REQUEST: AcquireRequest = AcquireRequest::new(Duration::from_secs(60), None);

/// How often helpers run.
const STEP: Duration = Duration::from_secs(86);

/// A broker of the source of `world`.
fn broker(world: &World) -> Broker {
    let clock: Arc<dyn Clock> = Arc::new(world.clock.clone());
    let route = Route {
        source: Arc::clone(&world.source) as Arc<dyn Source>,
        source_name: "sso".to_owned(),
        gateway: None,
        watch: None,
        max_age: None,
    };
    let jitter: Jitter = Arc::new(|| 0.5);
    Broker::new(BTreeMap::from([("p".to_owned(), route)]), &clock, &jitter)
}

/// Runs one helper, and then lets [`STEP`] pass.
async fn run(world: &World, broker: &Broker) -> Result<Arc<Credential>, AcquireError> {
    let until = world.clock.now().tick + Duration::from_secs(8);
    let acquired = broker
        .acquire("p", &ClientVariables::default(), REQUEST, until)
        .await;
    for second in 0..STEP.as_secs() {
        world.clock.advance(Duration::from_secs(1));
        if second % 10 == 0 {
            settle().await;
        }
    }
    settle().await;
    acquired.map(|grant| grant.credential)
}

/// Lets the broker's tasks run until they wait.
async fn settle() {
    for _ in 0..30 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_thousand_helpers_a_day_are_one_refresh_for_each_token() {
    let world = World::new(Rotation::Strict, "");
    world.sign_in().await.unwrap();
    let broker = broker(&world);
    let mut keys = Vec::new();
    for _ in 0..1000 {
        let credential = run(&world, &broker).await.unwrap();
        keys.push(credential.secret.expose().to_owned());
    }
    keys.dedup();
    let refreshes = world.server.count("refresh");
    // The last one may not have been asked for.
    assert!(
        refreshes - (keys.len() - 1) <= 1,
        "each refresh is one new key: {refreshes}"
    );
    // Each token is replaced in the last third of its life.
    let day = u32::try_from(1000 * STEP.as_secs()).unwrap();
    let lifetime = u32::try_from(LIFETIME.as_secs()).unwrap();
    let (least, most) = (day / lifetime, day / lifetime * 3 / 2);
    assert!(
        (least..=most).contains(&u32::try_from(refreshes).unwrap()),
        "{refreshes}"
    );
}

#[tokio::test]
async fn a_laptop_that_is_offline_when_the_key_is_due_serves_the_old_one_and_asks_for_no_login() {
    let world = World::new(Rotation::Strict, "");
    world.sign_in().await.unwrap();
    let broker = broker(&world);
    let first = run(&world, &broker).await.unwrap();
    world
        .server
        .faults
        .add_many(Fault::Fails(Moment::Before), 10_000);
    let end = first.expires_at().unwrap();
    loop {
        let now = world.clock.now().wall;
        let acquired = run(&world, &broker).await;
        if now >= end {
            let Err(AcquireError::Unavailable(unavailable)) = acquired else {
                panic!("{acquired:?}");
            };
            let Reason::Source(error) = unavailable.reason else {
                panic!("{:?}", unavailable.reason);
            };
            assert!(
                matches!(error, SourceError::Unreachable { .. }),
                "{error:?}"
            );
            break;
        }
        assert_eq!(acquired.unwrap().secret, first.secret, "to its end");
    }
    assert!(world.server.count("refresh") > 1, "it was tried");
    // The network is back.
    world.server.faults.clear();
    for _ in 0..5 {
        let _ = run(&world, &broker).await;
    }
    let next = run(&world, &broker).await.unwrap();
    assert_eq!(next.secret.expose(), "access-2");
}

#[tokio::test]
async fn a_login_that_ends_leaves_the_cached_key_valid() {
    let world = World::new(Rotation::Strict, "");
    world.sign_in().await.unwrap();
    let broker = broker(&world);
    let first = run(&world, &broker).await.unwrap();
    world.server.end_logins();
    let mut end = None;
    while end.is_none() {
        match run(&world, &broker).await {
            Ok(credential) => assert_eq!(credential.secret, first.secret),
            Err(error) => end = Some(error),
        }
    }
    assert!(world.clock.now().wall >= first.expires_at().unwrap());
    let Some(AcquireError::Unavailable(unavailable)) = end else {
        panic!("{end:?}");
    };
    assert!(matches!(
        unavailable.reason,
        Reason::Source(SourceError::LoginRequired { .. })
    ));
    assert_eq!(world.server.count("refresh"), 1, "one refusal is enough");
}
