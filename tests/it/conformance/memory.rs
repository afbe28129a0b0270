//! What the daemon's memory contains: a secret at most twice while it is used, and not at all after
//! its use. Root reads all mappings, and a core that gdb makes.

use std::any::type_name;

use claviger::demo::gateway::{Answer, Requests, TestGateway};
use rustix::process::{Pid, Signal};

use super::{
    fixture::SourceFixture,
    suite::{another_key, key, refresh},
};
use crate::support::{
    answers::secret,
    key_fixture::MODELS,
    memory::{ExitWatch, Needle, core},
    poll::{SOON, until},
};

/// The most copies of a secret in use: the daemon's own, and one for the request that is sent or
/// the buffer that a library fills.
const MAX_IN_USE: usize = 2;

pub(super) async fn no_secret_outlives_its_use<F: SourceFixture>() {
    let fixture = F::start().await;
    let first = Needle::text("key", &key(&fixture).await);
    are_in_use(&fixture, &first).await;
    fixture.replace().await;
    refresh(&fixture).await.succeeded();
    let second = Needle::text("key", &key(&fixture).await);
    are_gone(&fixture, "refresh", &[first]).await;
    are_in_use(&fixture, &second).await;
    let mut secrets = fixture.login_secrets();
    secrets.push(second);
    fixture.env().claviger(&["lock"]).await.succeeded();
    are_gone(&fixture, "lock", &secrets).await;
    fixture.env().claviger(&["unlock"]).await.succeeded();
    let again = Needle::text("key", &key(&fixture).await);
    let mut secrets = fixture.login_secrets();
    secrets.push(again);
    fixture.env().claviger(&["logout"]).await.succeeded();
    secrets.extend(fixture.login_secrets());
    are_gone(&fixture, "logout", &secrets).await;
}

pub(super) async fn a_rejected_key_does_not_stay<F: SourceFixture>() {
    let fixture = F::start().await;
    let gateway = TestGateway::start([]).await.unwrap();
    let down = Answer::text(503, "");
    // No key is known to it yet.
    gateway.set_answer(MODELS, Requests::All, down.clone());
    let table = "[profile.default]\n";
    let with_gateway = format!("{table}gateway = \"{}\"\n", gateway.url());
    let env = fixture.env();
    // Every call of this test comes before the client's cache has expired, as after a 401.
    env.set_variable("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "300000");
    env.edit_config(|config| config.replace(table, &with_gateway));
    let first = key(&fixture).await;
    gateway.accept(secret(&first));
    gateway.clear_answers();
    until("the gateway accepts the key", SOON, async || {
        assert_eq!(key(&fixture).await, first);
        let status = env.status().await;
        status["profiles"][0]["last_probe"]["result"] == "accepted"
    })
    .await;

    let refused = Answer::error(401, "authentication_error", "invalid key");
    gateway.set_answer(MODELS, Requests::with_key(&secret(&first)), refused);
    // It does not know the next key.
    gateway.set_answer(MODELS, Requests::All, down);
    fixture.replace().await;
    let second = another_key(&fixture, &first).await;
    are_gone(&fixture, "rejection", &[Needle::text("key", &first)]).await;
    are_in_use(&fixture, &Needle::text("key", &second)).await;
}

pub(super) async fn no_secret_is_there_at_the_end<F: SourceFixture>() {
    let fixture = F::start().await;
    let mut secrets = vec![Needle::text("key", &key(&fixture).await)];
    secrets.extend(fixture.login_secrets());
    let pid = fixture.env().daemon_pid().unwrap();
    let watch = ExitWatch::attach(pid);
    fixture.env().kill_daemon(Signal::TERM);
    let memory = watch.last_memory();
    assert!(memory.len() > 1 << 20, "no memory was read");
    for secret in &secrets {
        let count = secret.count_in(&memory);
        report::<F>("stop", secret, count);
        assert_eq!(count, 0, "{} at the daemon's end", secret.name);
    }
}

/// Asserts that `key` and the login's secrets are in memory at most [`MAX_IN_USE`] times, and the
/// key at all.
async fn are_in_use<F: SourceFixture>(fixture: &F, key: &Needle) {
    let pid = fixture.env().daemon_pid().unwrap();
    for secret in fixture.login_secrets() {
        let copies = settle(pid, &secret, MAX_IN_USE).await;
        report::<F>("in use", &secret, copies);
    }
    let copies = settle(pid, key, MAX_IN_USE).await;
    report::<F>("in use", key, copies);
    assert!(copies > 0, "the key is not found at all");
}

/// Asserts that these secrets are neither in memory nor in a core.
async fn are_gone<F: SourceFixture>(fixture: &F, after: &str, secrets: &[Needle]) {
    let pid = fixture.env().daemon_pid().unwrap();
    for secret in secrets {
        let copies = settle(pid, secret, 0).await;
        report::<F>(after, secret, copies);
    }
    let core = core(pid);
    assert!(core.len() > 1 << 20, "no memory was read");
    for secret in secrets {
        let count = secret.count_in(&core);
        assert_eq!(count, 0, "{} in a core after {after}", secret.name);
    }
}

/// Waits until `secret` is in memory at most `limit` times: a request may still be under way, and a
/// connection stays open for a moment. Returns how many times it is there.
async fn settle(pid: Pid, secret: &Needle, limit: usize) -> usize {
    let mut copies = Vec::new();
    let what = format!("at most {limit} copies of the {} are left", secret.name);
    until(&what, SOON, async || {
        let found = secret.copies(pid);
        if found != copies {
            println!("{} in {found:?}", secret.name);
        }
        copies = found;
        copies.len() <= limit
    })
    .await;
    copies.len()
}

/// Prints a row of the README's table.
fn report<F>(when: &str, secret: &Needle, copies: usize) {
    let source = type_name::<F>().rsplit("::").next().unwrap_or_default();
    println!("memory: {source}, {when}, {}: {copies}", secret.name);
}
