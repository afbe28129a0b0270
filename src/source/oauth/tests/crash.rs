//! A crash, and a caller that goes away, at each step of a refresh, a sign-in and a logout.

use std::sync::Arc;

use super::{
    World,
    faults::{Fault, Faults, Moment},
    login_required,
    server::Rotation,
};
use crate::source::Source as _;

const ROTATIONS: [Rotation; 3] = [Rotation::Off, Rotation::Grace, Rotation::Strict];

/// What a user of the daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Refresh,
    SignIn,
    LogOut,
}

/// The call that is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Token,
    Keys,
    Put,
    Delete,
    Revocation,
}

/// What there is afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The login before.
    Old,
    /// The login before, unless the server takes the second use of its refresh token for theft.
    OldUnlessStrict,
    /// The login that the server has just issued.
    New,
    /// No login.
    None,
}

/// Each step, with the outcome after a crash and the one after the caller has gone away.
const STEPS: [(What, Call, Moment, Outcome, Outcome); 14] = {
    use Call::{Delete, Keys, Put, Revocation, Token};
    use Moment::{After, Before};
    use Outcome::{New, None, Old, OldUnlessStrict};
    use What::{LogOut, Refresh, SignIn};
    [
        (Refresh, Token, Before, Old, New),
        (Refresh, Token, After, OldUnlessStrict, New),
        (Refresh, Put, Before, OldUnlessStrict, New),
        (Refresh, Put, After, New, New),
        (Refresh, Keys, Before, New, New),
        (SignIn, Token, Before, Old, Old),
        (SignIn, Token, After, Old, Old),
        (SignIn, Keys, Before, Old, Old),
        (SignIn, Put, Before, Old, New),
        (SignIn, Put, After, New, New),
        (LogOut, Delete, Before, Old, None),
        (LogOut, Delete, After, None, None),
        (LogOut, Revocation, Before, None, None),
        (LogOut, Revocation, After, None, None),
    ]
};

/// A world with a login, in which `what` waits at a step; `None` if that does not occur.
async fn stopped(rotation: Rotation, what: What, call: Call, moment: Moment) -> Option<World> {
    let world = World::signed_in(rotation, "").await;
    faults(&world, call).add(Fault::Waits(moment));
    let source = Arc::clone(&world.source);
    let caller = tokio::spawn(async move {
        match what {
            What::Refresh => drop(super::issue(&source).await),
            What::SignIn => drop(super::sign_in(&source).await),
            What::LogOut => drop(source.revoke(None).await),
        }
    });
    while !faults(&world, call).is_waiting() {
        if caller.is_finished() {
            return None;
        }
        tokio::task::yield_now().await;
    }
    // The caller goes away.
    caller.abort();
    let _ = caller.await;
    Some(world)
}

fn faults(world: &World, call: Call) -> &Faults {
    match call {
        Call::Token => &world.server.faults,
        Call::Keys => &world.server.key_faults,
        Call::Put => &world.store.put_faults,
        Call::Delete => &world.store.delete_faults,
        Call::Revocation => &world.server.revocation_faults,
    }
}

/// Checks that the source has the `outcome`.
async fn check(world: &World, rotation: Rotation, outcome: Outcome, step: &str) {
    // Without rotation the old refresh token goes on.
    let number = match outcome {
        Outcome::New if rotation != Rotation::Off || step.contains("SignIn") => Some(2),
        Outcome::New | Outcome::Old => Some(1),
        Outcome::OldUnlessStrict => (rotation != Rotation::Strict).then_some(1),
        Outcome::None => None,
    };
    let issued = world.issue().await;
    match number {
        Some(number) => {
            assert!(issued.is_ok(), "{step}: {issued:?}");
            let used = format!("refresh refresh-{number}");
            let is_used = world.server.count(&used) > 0;
            let is_fresh = issued.unwrap() == "access-2";
            assert!(is_used || is_fresh, "{step}: {used}");
        }
        None => {
            login_required(issued);
            assert_eq!(world.stored(), None, "{step}");
            // And it stays so, without a request.
            let requests = world.server.count("refresh");
            login_required(world.issue().await);
            assert_eq!(world.server.count("refresh"), requests, "{step}");
        }
    }
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_a_login_that_works_or_asks_for_one() {
    for rotation in ROTATIONS {
        for (what, call, moment, after_crash, _) in STEPS {
            let step = format!("{rotation:?} {what:?} {call:?} {moment:?}");
            let Some(mut world) = stopped(rotation, what, call, moment).await else {
                assert!(is_absent(rotation, what, call), "{step} does not occur");
                continue;
            };
            world.restart();
            check(&world, rotation, after_crash, &step).await;
        }
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_half_done() {
    for rotation in ROTATIONS {
        for (what, call, moment, _, after_drop) in STEPS {
            let step = format!("{rotation:?} {what:?} {call:?} {moment:?}");
            let Some(mut world) = stopped(rotation, what, call, moment).await else {
                assert!(is_absent(rotation, what, call), "{step} does not occur");
                continue;
            };
            faults(&world, call).release();
            // Ends after the change that is under way.
            world.source.session.as_ref().unwrap().flush().await;
            let in_memory = world.entrance().login().await.unwrap();
            let stored = world.stored().map(|record| record.login);
            assert_eq!(in_memory, stored, "{step}");
            check(&world, rotation, after_drop, &step).await;
            world.restart();
            let has_login = world.issue().await.is_ok();
            assert_eq!(has_login, after_drop != Outcome::None, "{step}");
        }
    }
}

/// Whether a step is rightly absent: without rotation a refresh stores nothing.
fn is_absent(rotation: Rotation, what: What, call: Call) -> bool {
    rotation == Rotation::Off && what == What::Refresh && call == Call::Put
}
