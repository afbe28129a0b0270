//! A daemon that is killed at any moment costs at most a call that says so: never half a key, never a wrong one.

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
    test_env::{Output, is_alive},
};

const KEY: &str = "sk-canary-killed-0b7e";

const CALLS: usize = 1_000;

/// How many callers there are at once.
const CALLERS: usize = 8;

/// So many calls come to their end between one kill and the next.
const BETWEEN_KILLS: RangeInclusive<usize> = 1..=20;

/// One kill in so many is followed by another as soon as the successor listens, while callers still wait for it.
const HOUNDED: u32 = 4;

/// What the calls came to.
#[derive(Debug, Default)]
struct Tally {
    printed: usize,
    /// What was said, each text once.
    failed: Vec<(i32, String)>,
}

#[tokio::test]
async fn at_any_moment() {
    let seed = std::env::var("CLAVIGER_TEST_SEED")
        .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("CLAVIGER_TEST_SEED={seed}");
    let env = Arc::new(env());
    let (ended, progress) = watch::channel(0);
    let ended = Arc::new(ended);
    let begun = Arc::new(AtomicUsize::new(0));

    let ((outputs, kills), took) = timed(async {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(call(
                Arc::clone(&env),
                Arc::clone(&begun),
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
    // Only a call that met two kills may fail: a shim tries again once.
    assert!(tally.printed > CALLS / 2, "{tally:#?}");

    env.helper().await.printed(KEY);
    let serving = env.daemon_pid().unwrap();
    let only = || daemons(&env) == [serving];
    until("one daemon is left", SOON, async || only()).await;
}

/// The key comes from a program, so that nothing but the daemon can go wrong.
fn env() -> TestEnv {
    let env = TestEnv::new();
    let key = env.secret_file("key", KEY);
    env.config(&format!(
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

/// Calls until all calls have been begun by somebody; what came of them.
async fn call(
    env: Arc<TestEnv>,
    begun: Arc<AtomicUsize>,
    ended: Arc<watch::Sender<usize>>,
) -> Vec<Output> {
    let mut outputs = Vec::new();
    while begun.fetch_add(1, SeqCst) < CALLS {
        outputs.push(env.helper().await);
        ended.send_modify(|ended| *ended += 1);
    }
    outputs
}

/// Kills daemons until all calls have ended; how many.
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
        let again = random.u32(..HOUNDED) == 0;
        for _ in 0..=u32::from(again) {
            // None listens for as long as the callers are busy with starting one.
            let mut victim = None;
            until("a daemon listens", Duration::from_secs(30), async || {
                victim = env.daemon_pid().filter(|pid| Some(*pid) != last);
                victim.is_some() || *progress.borrow() == CALLS
            })
            .await;
            let Some(pid) = victim else { return kills };
            // It may have been killed a moment ago and answer from the queue of its socket.
            kills += usize::from(kill_process(pid, Signal::KILL).is_ok());
            last = victim;
        }
    }
}

/// Every output is the right key, or a failure as the contract has it.
fn tally(outputs: &[Output]) -> Tally {
    let mut tally = Tally::default();
    for output in outputs {
        if output.code == Some(0) {
            output.printed(KEY);
            tally.printed += 1;
        } else {
            let code = output.code.expect("a code, not a signal");
            output.failed(code, &[]);
            assert!((2..=8).contains(&code), "{output:?}");
            let said = (code, output.stderr.clone());
            if !tally.failed.contains(&said) {
                tally.failed.push(said);
            }
        }
    }
    tally
}

/// Those of the daemons that ever listened here that are alive.
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

/// The number of one that was killed may be another process's by now.
fn is_daemon(pid: Pid) -> bool {
    let cmdline = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
    cmdline.is_ok_and(|line| {
        let mut words = line.split(|byte| *byte == 0);
        words.next().is_some_and(|word| word.ends_with(b"claviger"))
            && words.next() == Some(b"daemon")
    })
}
