//! What the daemon takes of a service manager's variables, and what it tells: sd_listen_fds(3),
//! sd_notify(3). The test is the manager.

use std::{
    fs,
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixListener, UnixStream},
    },
    process::Stdio,
    time::Duration,
};

use rustix::process::Signal;
use tokio::process::{Child, Command};

use crate::support::{
    KEY, TestEnv,
    poll::{SOON, until, until_blocking},
    process::binary,
    test_env::set_mode,
};

/// A manager that has bound the daemon's socket and listens for news.
struct Manager<'a> {
    env: &'a TestEnv,
    news: UnixDatagram,
}

impl<'a> Manager<'a> {
    fn new(env: &'a TestEnv) -> Self {
        let news = UnixDatagram::bind(env.path("run/notify")).unwrap();
        news.set_read_timeout(Some(SOON)).unwrap();
        fs::create_dir(env.path("run/claviger")).unwrap();
        set_mode(&env.path("run/claviger"), 0o700);
        Self { env, news }
    }

    /// Starts the daemon with `socket` as descriptor 3, in the way that a shell can. `pid` is the
    /// value of `LISTEN_PID`.
    fn start(&self, socket: impl Into<OwnedFd>, pid: &str) -> Child {
        let like = self.env.command("claviger", &[]);
        let mut command = Command::new("/bin/sh");
        let script = format!(
            "exec 3<&0 0</dev/null; \
             export LISTEN_PID={pid} LISTEN_FDS=1 LISTEN_FDNAMES=claviger.socket; \
             exec \"$0\" daemon"
        );
        command
            .arg("-c")
            .arg(script)
            .arg(binary("claviger"))
            .env_clear()
            .stdin(Stdio::from(socket.into()));
        for (name, value) in like.as_std().get_envs() {
            command.env(name, value.unwrap());
        }
        command
            .env("NOTIFY_SOCKET", self.env.path("run/notify"))
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command.spawn().unwrap()
    }

    /// The first line of the next news.
    fn news(&self) -> String {
        let mut message = [0; 512];
        let len = self.news.recv(&mut message).unwrap();
        let text = std::str::from_utf8(&message[..len]).unwrap();
        text.lines().next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_manager_hears_of_the_start_a_reload_and_the_end_in_this_order() {
    let env = TestEnv::with_fixed_key();
    let manager = Manager::new(&env);
    let listener = UnixListener::bind(env.socket()).unwrap();
    let mut daemon = manager.start(listener.try_clone().unwrap(), "$$");
    let pid = rustix::process::Pid::from_raw(daemon.id().unwrap().cast_signed()).unwrap();
    assert_eq!(manager.news(), "READY=1");
    env.helper().await.printed(KEY);
    rustix::process::kill_process(pid, Signal::HUP).unwrap();
    assert_eq!(manager.news(), "RELOADING=1");
    assert_eq!(manager.news(), "READY=1");
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(manager.news(), "STOPPING=1");
    assert!(daemon.wait().await.unwrap().success());
    // The manager's file and the manager's socket are as they were.
    UnixStream::connect(env.socket()).unwrap();
    listener.accept().unwrap();
}

#[tokio::test]
async fn nothing_of_the_managers_reaches_a_program_of_a_source() {
    let env = TestEnv::new();
    env.add_secret(KEY);
    let program = env.write_program(
        "corp-key",
        &format!(
            "ls -l /proc/self/fd >&2; env >&2; env >'{0}'; ls -l /proc/$$/fd >>'{0}'; echo {KEY}",
            env.path("seen").display()
        ),
    );
    env.write_config(&format!(
        "[profile.default]\nsource = \"corp\"\n[source.corp]\ntype = \"exec\"\ncommand = [\"{program}\"]\n"
    ));
    let manager = Manager::new(&env);
    let listener = UnixListener::bind(env.socket()).unwrap();
    let _daemon = manager.start(listener.try_clone().unwrap(), "$$");
    assert_eq!(manager.news(), "READY=1");
    env.helper().await.printed(KEY);
    let seen = fs::read_to_string(env.path("seen")).unwrap();
    assert!(seen.contains("PATH="), "{seen}");
    for absent in ["LISTEN_", "NOTIFY_SOCKET", "JOURNAL_STREAM", "socket:["] {
        assert!(!seen.contains(absent), "{absent}: {seen}");
    }
}

#[tokio::test]
async fn a_socket_for_another_process_does_not_count() {
    let env = TestEnv::with_fixed_key();
    let manager = Manager::new(&env);
    let other = UnixListener::bind(env.path("run/other.sock")).unwrap();
    let _daemon = manager.start(other, "1");
    // It binds its own.
    until("it listens", SOON, async || env.daemon_pid().is_some()).await;
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn any_other_descriptor_is_refused_and_closed() {
    let env = TestEnv::with_fixed_key();
    let manager = Manager::new(&env);
    let listener = UnixListener::bind(env.socket()).unwrap();
    let at_path = || UnixStream::connect(env.socket()).unwrap();
    let cases: [(OwnedFd, &str); 4] = [
        (
            fs::File::open("/dev/null").unwrap().into(),
            "a descriptor without a socket",
        ),
        (
            UnixDatagram::unbound().unwrap().into(),
            "a socket of another type",
        ),
        (
            UnixListener::bind(env.path("run/other.sock"))
                .unwrap()
                .into(),
            "a socket at '",
        ),
        (at_path().into(), "a Unix socket without a path"),
    ];
    for (descriptor, found) in cases {
        let daemon = manager.start(descriptor, "$$");
        let output = daemon.wait_with_output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(8), "{stderr}");
        assert!(stderr.contains(&format!("has passed {found}")), "{stderr}");
        assert!(
            stderr.contains("hint: see systemctl --user cat claviger.socket"),
            "{stderr}"
        );
    }
    drop(listener);
    let is_silent = manager
        .news
        .set_read_timeout(Some(Duration::from_millis(1)));
    is_silent.unwrap();
    assert!(
        manager.news.recv(&mut [0; 8]).is_err(),
        "it was never ready"
    );
    assert!(until_blocking(SOON, || env.socket().exists()));
}
