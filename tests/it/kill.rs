//! Killing the daemon at any moment: a call prints the right key or fails, and never prints part of
//! a key or a wrong one.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{sync::watch, task::JoinSet};

use crate::support::{
    TestEnv,
    poll::{SOON, timed, until},
    process::is_alive,
    test_env::ProgramOutput,
};

const KEY: &str = "sk-canary-killed-0b7e";

const CALLS: usize = 1_000;

/// The number of concurrent callers.
const CALLERS: usize = 8;

/// How many calls end between one kill and the next.
const BETWEEN_KILLS: RangeInclusive<usize> = 1..=20;

/// One kill in this many is followed by another as soon as the next daemon listens, while callers
/// are still waiting for it.
const DOUBLE_KILL_ODDS: u32 = 4;

/// The results of all calls.
#[derive(Debug, Default)]
struct Tally {
    printed: usize,
    /// Exit code and stderr, each pair once.
    failed: Vec<(i32, String)>,
}

#[tokio::test]
async fn killing_the_daemon_at_any_moment_never_corrupts_a_key() {
    let seed = std::env::var("CLAVIGER_TEST_SEED")
        .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("CLAVIGER_TEST_SEED={seed}");
    let env = Arc::new(env());
    let (ended, progress) = watch::channel(0);
    let ended = Arc::new(ended);
    let started = Arc::new(AtomicUsize::new(0));

    let ((outputs, kills), took) = timed(async {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(call(
                Arc::clone(&env),
                Arc::clone(&started),
                Arc::clone(&ended),
            ));
        }
        let kills = kill(&env, progress, fastrand::Rng::with_seed(seed));
        let (outputs, kills) = tokio::join!(callers.join_all(), kills);
        (outputs.concat(), kills)
    })
    .await;

    let tally = tally(&outputs);
    println!(
        "{} calls in {took:.1?}, {kills} daemons killed: {} keys, {} failures {:#?}",
        outputs.len(),
        tally.printed,
        outputs.len() - tally.printed,
        tally.failed,
    );
    assert_eq!(outputs.len(), CALLS);
    assert!(kills > CALLS / 50, "only {kills} kills");
    // A shim retries once, so only a call that meets two kills may fail.
    assert!(tally.printed > CALLS / 2, "{tally:#?}");

    env.helper().await.printed(KEY);
    let serving = env.daemon_pid().unwrap();
    until("one daemon is left", SOON, async || {
        daemons(&env) == [serving]
    })
    .await;
}

/// A machine whose key comes from a program, so that only the daemon can fail.
fn env() -> TestEnv {
    let env = TestEnv::new();
    let key = env.write_secret_file("key", KEY);
    env.write_config(&format!(
        r#"
[profile.default]
source = "program"

[source.program]
type = "exec"
command = ["/bin/cat", "{key}"]
"#
    ));
    env
}

/// Calls the shim until all callers together have started enough calls; returns the results.
async fn call(
    env: Arc<TestEnv>,
    started: Arc<AtomicUsize>,
    ended: Arc<watch::Sender<usize>>,
) -> Vec<ProgramOutput> {
    let mut outputs = Vec::new();
    while started.fetch_add(1, SeqCst) < CALLS {
        outputs.push(env.helper().await);
        ended.send_modify(|ended| *ended += 1);
    }
    outputs
}

/// Kills daemons until all calls have ended; returns how many.
async fn kill(
    env: &TestEnv,
    mut progress: watch::Receiver<usize>,
    mut random: fastrand::Rng,
) -> usize {
    let mut kills = 0;
    let mut last = None;
    loop {
        let next = *progress.borrow() + random.usize(BETWEEN_KILLS);
        let reached = progress.wait_for(|ended| *ended >= next.min(CALLS)).await;
        if *reached.unwrap() == CALLS {
            return kills;
        }
        let again = random.u32(..DOUBLE_KILL_ODDS) == 0;
        for _ in 0..=u32::from(again) {
            // No daemon listens until the callers have started one.
            let mut victim = None;
            until("a daemon listens", Duration::from_secs(30), async || {
                victim = env.daemon_pid().filter(|pid| Some(*pid) != last);
                victim.is_some() || *progress.borrow() == CALLS
            })
            .await;
            let Some(pid) = victim else { return kills };
            // A daemon that was just killed may still accept from its socket's queue.
            kills += usize::from(kill_process(pid, Signal::KILL).is_ok());
            last = victim;
        }
    }
}

/// Asserts that every output is the right key or a failure in the contract's form.
fn tally(outputs: &[ProgramOutput]) -> Tally {
    let mut tally = Tally::default();
    for output in outputs {
        if output.code == Some(0) {
            output.printed(KEY);
            tally.printed += 1;
        } else {
            let code = output.code.expect("a code, not a signal");
            output.failed(code, &[]);
            assert!((2..=8).contains(&code), "{output:?}");
            let failure = (code, output.stderr.clone());
            if !tally.failed.contains(&failure) {
                tally.failed.push(failure);
            }
        }
    }
    tally
}

/// The daemons that have listened on this machine and are alive.
fn daemons(env: &TestEnv) -> Vec<Pid> {
    let log = env.log();
    let listened = log.lines().filter(|line| line.contains("listening"));
    listened
        .map(|line| {
            let (_, rest) = line.split_once("pid=").unwrap();
            let digits = rest.split(' ').next().unwrap();
            Pid::from_raw(digits.parse().unwrap()).unwrap()
        })
        .filter(|pid| is_alive(*pid) && is_daemon(*pid))
        .collect()
}

/// Whether a process is a daemon: the pid of a killed one may belong to another process now.
fn is_daemon(pid: Pid) -> bool {
    let cmdline = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
    cmdline.is_ok_and(|line| {
        let mut args = line.split(|byte| *byte == 0);
        args.next().is_some_and(|arg| arg.ends_with(b"claviger")) && args.next() == Some(b"daemon")
    })
}
