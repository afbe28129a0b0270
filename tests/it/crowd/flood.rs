//! Floods by one process that go on for as long as the test wants, and shims of other processes
//! meanwhile: each is served within its deadline, and afterwards the daemon has the descriptors and
//! the memory that it had before.

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use claviger_wire::Request;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tokio::process::{Child, Command};

use super::{acquire, connections, env, raise_limit};
use crate::support::{
    KEY, TestEnv,
    poll::{SOON, until},
    process::resident_memory,
};

/// The deadline of the shims: a quarter of the usual one.
const DEADLINE_MS: &str = "2000";

/// The shims that are served one after the other during a flood.
const SHIMS: usize = 10;

/// What the daemon may have more of after a flood, in KiB: what the allocator keeps of its peak.
const KEPT: usize = 8 * 1024;

/// Threads of this process that attack the daemon over and over.
struct Flood {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    socket: PathBuf,
    is_over: AtomicBool,
    /// The attacks so far.
    count: AtomicUsize,
}

impl Flood {
    /// Starts `threads` threads that call `attack` with the path of the socket.
    fn start(
        env: &TestEnv,
        threads: usize,
        attack: impl Fn(&Shared) + Copy + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            socket: env.socket(),
            is_over: AtomicBool::new(false),
            count: AtomicUsize::new(0),
        });
        let thread = |_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                while !shared.is_over() {
                    attack(&shared);
                    shared.count();
                }
            })
        };
        let threads = (0..threads).map(thread).collect();
        Self { shared, threads }
    }

    fn end(self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Counts an attack.
    fn count(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Opens a connection. It blocks as long as the daemon does not accept.
    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        stream
    }
}

fn descriptors(pid: Pid) -> usize {
    let open = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()));
    open.unwrap().count()
}

async fn shim_is_served(env: &TestEnv) {
    let args = ["--timeout-ms", DEADLINE_MS];
    env.helper_with(&args, &[]).await.printed(KEY);
}

/// Starts a flood of `attack` by `threads` threads, and asserts what this module is about. There
/// must have been `at_least` so many attacks.
async fn others_are_served(
    env: &TestEnv,
    threads: usize,
    at_least: usize,
    attack: impl Fn(&Shared) + Copy + Send + 'static,
) {
    raise_limit();
    env.helper().await.printed(KEY);
    env.status().await;
    let pid = env.daemon_pid().unwrap();
    until("only the daemon's own are open", SOON, async || {
        connections(env) == 0
    })
    .await;
    let (descriptors_before, memory_before) = (descriptors(pid), resident_memory(pid));

    let flood = Flood::start(env, threads, attack);
    let shared = Arc::clone(&flood.shared);
    until("the flood has begun", SOON, async || {
        shared.count.load(Ordering::Relaxed) > 0
    })
    .await;
    for _ in 0..SHIMS {
        shim_is_served(env).await;
    }
    until("it was a flood", SOON, async || {
        shared.count.load(Ordering::Relaxed) >= at_least
    })
    .await;
    shim_is_served(env).await;
    flood.end();
    // What waits for the slow source ends.
    env.write_file("go", "");

    until("all connections are closed", SOON, async || {
        connections(env) == 0
    })
    .await;
    until("the daemon has its descriptors back", SOON, async || {
        descriptors(pid) <= descriptors_before
    })
    .await;
    let memory = resident_memory(pid);
    assert!(
        memory <= memory_before + KEPT,
        "{memory_before} KiB, then {memory} KiB"
    );
    // It is still the same process.
    assert_eq!(env.daemon_pid(), Some(pid));
}

#[tokio::test]
async fn connections_that_are_closed_at_once() {
    others_are_served(&env(), 8, 10_000, |flood| drop(flood.connect())).await;
}

#[tokio::test]
async fn ten_thousand_connections_at_once() {
    others_are_served(&env(), 1, 1, |flood| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/crowd/connections.py");
        let mut child = std::process::Command::new("python3")
            .arg(script)
            .arg(&flood.socket)
            .arg("10000")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while !flood.is_over() {
            assert_eq!(lines.next().unwrap().unwrap(), "10000");
            flood.count();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    })
    .await;
}

/// Each writes a byte at a time, and the daemon does not wait for the last.
#[tokio::test]
async fn writers_of_one_byte_at_a_time() {
    others_are_served(&env(), 16, 48, |flood| {
        let request = acquire("default");
        let mut slow: Vec<_> = (0..32).map(|_| flood.connect()).collect();
        for byte in request {
            for stream in &mut slow {
                // The daemon has closed most of them.
                let _ = stream.write_all(&[byte]);
            }
            if flood.is_over() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    })
    .await;
}

#[tokio::test]
async fn requests_without_an_end() {
    others_are_served(&env(), 16, 100, |flood| {
        let mut stream = flood.connect();
        // The header of a frame of the longest length, and more bytes than that.
        let len = claviger_wire::MAX_BODY as u32;
        let _ = stream.write_all(&len.to_be_bytes());
        while stream.write_all(&[1; 4096]).is_ok() && !flood.is_over() {}
    })
    .await;
}

#[tokio::test]
async fn invalid_requests() {
    others_are_served(&env(), 16, 1000, |flood| {
        let mut stream = flood.connect();
        for bytes in [&[255; 64][..], &[0, 0, 0, 2, 0, 1], &[0, 0, 0, 3, 1, 1, 9]] {
            let _ = stream.write_all(bytes);
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let canary = answer.windows(KEY.len()).any(|part| part == KEY.as_bytes());
        assert!(!canary);
    })
    .await;
}

/// The daemon answers each of them; the shims are answered as well.
#[tokio::test]
async fn valid_requests() {
    others_are_served(&env(), 64, 2000, |flood| {
        for request in [
            acquire("default"),
            Request::Status { profile: None }.encode(),
        ] {
            let mut stream = flood.connect();
            let _ = stream.write_all(&request);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    })
    .await;
}

/// More callers than there are places wait for a source that does not answer.
#[tokio::test]
async fn requests_that_wait() {
    others_are_served(&env(), 4, 20, |flood| {
        let waiting: Vec<_> = (0..200)
            .map(|_| {
                let mut stream = flood.connect();
                let _ = stream.write_all(&acquire("slow"));
                stream
            })
            .collect();
        drop(waiting);
    })
    .await;
}

/// Nothing, a part of a request or a request, and then the end of this direction alone.
#[tokio::test]
async fn half_closed_connections() {
    others_are_served(&env(), 8, 20, |flood| {
        let request = acquire("slow");
        let mut open = Vec::new();
        for sent in [0, 3, 4, request.len() - 1, request.len()].repeat(20) {
            let mut stream = flood.connect();
            let _ = stream.write_all(&request[..sent]);
            let _ = stream.shutdown(Shutdown::Write);
            open.push(stream);
        }
        drop(open);
    })
    .await;
}

/// A daemon that may have only `limit` descriptors open.
async fn limited_daemon(env: &TestEnv, limit: u64) -> Child {
    let mut daemon = env.command("claviger", &["daemon"]);
    for (flag, path) in [
        ("--socket", env.socket()),
        ("--state-dir", env.state_dir()),
        ("--user-config", env.config_file()),
    ] {
        daemon.arg(flag).arg(path);
    }
    let daemon = daemon.as_std();
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &format!("ulimit -n {limit} && exec \"$0\" \"$@\"")])
        .arg(daemon.get_program())
        .args(daemon.get_args())
        .env_clear()
        .envs(
            daemon
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .kill_on_drop(true);
    let child = shell.spawn().unwrap();
    until("the daemon listens", SOON, async || {
        env.daemon_pid().is_some()
    })
    .await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id().unwrap())).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let fields: Vec<_> = files.unwrap().split_whitespace().collect();
    assert_eq!(fields[3..5], [limit.to_string(), limit.to_string()]);
    child
}

/// Has 64 connections open, each with another part of a request, and a new one for the oldest.
fn parts_of_requests(flood: &Shared) {
    let request = acquire("default");
    let mut open = VecDeque::new();
    while !flood.is_over() {
        let mut stream = flood.connect();
        let _ = stream.write_all(&request[..open.len() % request.len()]);
        open.push_back(stream);
        if open.len() == 64 {
            open.pop_front();
            flood.count();
        }
    }
}

/// The daemon knows how few there are, and leaves some to others.
#[tokio::test]
async fn connections_to_a_daemon_with_few_descriptors() {
    for limit in [64, 128] {
        let env = env();
        let _daemon = limited_daemon(&env, limit).await;
        others_are_served(&env, 16, 100, parts_of_requests).await;
    }
}

/// The limit is lower than the daemon knows: accepting fails, and connections give way.
#[tokio::test]
async fn connections_that_take_every_descriptor() {
    let env = env();
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    let few = Rlimit {
        current: Some(descriptors(pid) as u64 + 16),
        ..getrlimit(Resource::Nofile)
    };
    prlimit(Some(pid), Resource::Nofile, few).unwrap();
    others_are_served(&env, 16, 100, parts_of_requests).await;
    assert!(env.log().contains("cannot accept a connection"));
}
