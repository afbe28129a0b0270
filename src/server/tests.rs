//! The server's life, on a clock that the test moves.

#![cfg(unix)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use claviger_wire::{Acquire, ExitCode, HEADER_LEN, Login, Request, Response, body_len};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    task::JoinHandle,
};

use super::*;
use crate::{
    clock::{ManualClock, Timestamp},
    config::{Locations, Origin},
    desktop::fake::FakeDesktop,
    trust::ManagedOwner,
};

const MINUTE: Duration = Duration::from_secs(60);

/// A daemon in a directory of its own, without a configuration.
struct Scene {
    directory: TempDir,
    clock: ManualClock,
    daemon: Arc<Daemon>,
    running: JoinHandle<()>,
}

impl Scene {
    async fn new(is_usual_socket: bool, config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("config.toml"), config).unwrap();
        fs::write(path("program"), "").unwrap();
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let options = DaemonOptions {
            origin: Origin::Files(Locations {
                managed: path("managed.toml"),
                user: Some(path("config.toml")),
                explicit: None,
                managed_owner: ManagedOwner::of_this_machine(),
            }),
            socket: path("run/agent.sock"),
            is_usual_socket,
            executable: Some(Executable::at(path("program"))),
            clock: Arc::new(clock.clone()),
            jitter: Arc::new(|| 0.5),
            desktop: Arc::new(FakeDesktop::default()),
            state_dir: path("state"),
            log: None,
            log_error: None,
        };
        let listener = Listener::bind(&options.socket).await.unwrap();
        let daemon = Arc::new(Daemon::new(options, Shutdown::new()));
        let running = tokio::spawn(run(listener, Arc::clone(&daemon), Limits::new(None)));
        let scene = Self {
            directory,
            clock,
            daemon,
            running,
        };
        assert!(!scene.has_ended().await, "it runs");
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Moves the clock to just before `after`, at which the daemon must still run, and then to it,
    /// at which it must end.
    async fn ends_after(self, after: Duration) {
        let step = Duration::from_secs(1);
        let mut passed = Duration::ZERO;
        while passed + step < after {
            assert!(!self.has_ended().await, "ended after {passed:?}");
            self.clock.advance(step);
            passed += step;
        }
        assert!(!self.has_ended().await, "ended after {passed:?}");
        self.clock.advance(step);
        self.running.await.unwrap();
    }

    /// Lets the daemon do what it can.
    async fn has_ended(&self) -> bool {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.running.is_finished()
    }
}

/// The first response.
async fn request(socket: &Path, request: &Request) -> Response {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(&request.encode()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let (header, rest) = answer.split_first_chunk::<HEADER_LEN>().unwrap();
    Response::decode(&rest[..body_len(*header).unwrap()]).unwrap()
}

#[tokio::test]
async fn a_daemon_whose_directory_is_removed_ends_within_a_minute() {
    let scene = Scene::new(true, "").await;
    fs::remove_dir_all(scene.path("run")).unwrap();
    scene.clock.advance(MINUTE);
    scene.running.await.unwrap();
}

#[tokio::test]
async fn a_daemon_whose_socket_another_one_has_ends_and_leaves_it() {
    let scene = Scene::new(true, "").await;
    let socket = scene.path("run/agent.sock");
    fs::remove_file(&socket).unwrap();
    let _other = Listener::bind(&socket).await.unwrap();
    scene.daemon.reload();
    scene.running.await.unwrap();
    assert!(socket.exists());
}

#[tokio::test]
async fn a_daemon_whose_program_is_replaced_or_removed_ends_within_a_minute() {
    for replaces in [true, false] {
        let scene = Scene::new(true, "").await;
        let program = scene.path("program");
        if replaces {
            fs::write(scene.path("new"), "").unwrap();
            fs::rename(scene.path("new"), &program).unwrap();
        } else {
            fs::remove_file(&program).unwrap();
        }
        scene.clock.advance(MINUTE - Duration::from_secs(4));
        assert!(!scene.has_ended().await, "an installer may be at work");
        scene.clock.advance(Duration::from_secs(4));
        scene.running.await.unwrap();
    }
}

#[tokio::test]
async fn a_daemon_whose_files_are_as_they_were_stays() {
    let scene = Scene::new(true, "").await;
    for _ in 0..60 {
        scene.clock.advance(MINUTE);
        assert!(!scene.has_ended().await);
    }
    let done = request(&scene.path("run/agent.sock"), &Request::Stop).await;
    assert_eq!(done, Response::Done);
    scene.running.await.unwrap();
}

#[tokio::test]
async fn a_daemon_on_an_unusual_socket_ends_after_ten_idle_minutes() {
    let scene = Scene::new(false, "").await;
    scene.ends_after(10 * MINUTE).await;
}

#[tokio::test]
async fn the_configured_time_counts_if_it_is_shorter() {
    let config = |limit: &str| {
        format!(
            "version = 1\n[daemon]\nexit_when_idle = \"{limit}\"\n[profile.a]\nsource = \"a\"\n\
             [source.a]\ntype = \"exec\"\ncommand = [\"/bin/true\"]\n"
        )
    };
    let scene = Scene::new(false, &config("2m")).await;
    scene.ends_after(2 * MINUTE).await;
    let scene = Scene::new(true, &config("15m")).await;
    scene.ends_after(15 * MINUTE).await;
}

#[tokio::test]
async fn a_request_restarts_the_idle_time() {
    let scene = Scene::new(false, "").await;
    scene.clock.advance(9 * MINUTE);
    request(
        &scene.path("run/agent.sock"),
        &Request::Unknown { kind: 77 },
    )
    .await;
    scene.ends_after(10 * MINUTE).await;
}

/// A daemon whose keys are dropped after eight hours.
const DROPS: &str = "version = 1\n[daemon]\ndrop_keys_after = \"8h\"\n[profile.a]\nsource = \"a\"\n\
                     [source.a]\ntype = \"exec\"\ncommand = [\"/bin/echo\", \"sk-abc\"]\n";

async fn acquire(scene: &Scene) -> Response {
    let acquire = Acquire {
        cache_lifetime_ms: 300_000,
        deadline_ms: 8_000,
        ..Acquire::default()
    };
    request(&scene.path("run/agent.sock"), &Request::Acquire(acquire)).await
}

/// Whether a key is in memory that a client has asked for.
fn is_used(scene: &Scene) -> bool {
    let in_force = scene.daemon.composition.in_force().unwrap();
    in_force.broker.is_used()
}

#[tokio::test]
async fn a_key_that_no_client_asks_for_is_dropped_by_the_clock_alone() {
    let scene = Scene::new(true, DROPS).await;
    let is_served = |response| matches!(response, Response::Credential { .. });
    assert!(is_served(acquire(&scene).await));
    scene.clock.advance(7 * 60 * MINUTE);
    assert!(!scene.has_ended().await);
    assert!(is_served(acquire(&scene).await));
    scene
        .clock
        .advance(8 * 60 * MINUTE - Duration::from_secs(1));
    assert!(!scene.has_ended().await);
    assert!(is_used(&scene));
    scene.clock.advance(Duration::from_secs(1));
    assert!(!scene.has_ended().await);
    assert!(!is_used(&scene));
    assert!(is_served(acquire(&scene).await), "nothing is refused");
}

/// What the lock drops and refuses.
#[tokio::test]
async fn a_lock_refuses_keys_until_the_unlock() {
    let scene = Scene::new(true, DROPS).await;
    let socket = scene.path("run/agent.sock");
    let code = |response| match response {
        Response::Failure(failure) => Some(failure.code),
        Response::Credential { .. } => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(acquire(&scene).await), None);
    request(&socket, &Request::Lock).await;
    assert!(!is_used(&scene));
    for refused in [
        Request::Acquire(Acquire::default()),
        Request::Login(Login::default()),
    ] {
        let answer = code(request(&socket, &refused).await);
        assert_eq!(answer, Some(ExitCode::Denied), "{refused:?}");
    }
    assert!(scene.path("state/lock.json").exists());
    request(&socket, &Request::Unlock).await;
    assert!(!scene.path("state/lock.json").exists());
    assert_eq!(code(acquire(&scene).await), None);
}
