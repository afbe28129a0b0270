//! A machine with the packaged units, on which ana logs in: the real user manager of systemd and
//! the real journal, in a namespace.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{
    KEY,
    canary::{Canary, issued},
    namespace::{Namespace, User},
    poll::{SOON, until_blocking},
    test_env::ProgramOutput,
};

/// The socket that the unit listens on.
pub(crate) const SOCKET: &str = "/run/user/4242/claviger/agent.sock";

/// The directory of ana's own configuration.
pub(crate) const CONFIG: &str = "/home/ana/.config/claviger/config.toml";

/// Runs the journal and, as ana, the user manager, in a control group with the name of the first
/// argument. The machine's own `/run/systemd` and journal are covered.
const LOG_IN: &str = r#"set -e
mkdir -p /run/systemd /run/log
mount -t tmpfs -o mode=755 new /run/systemd
mount -t tmpfs -o mode=755 new /run/log
mkdir -p /run/systemd/system /run/systemd/journal /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nRateLimitBurst=0\n' \
    >/etc/systemd/journald.conf.d/test.conf
mount -t cgroup2 new /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$1"
echo 0 >"/sys/fs/cgroup/$1/cgroup.procs"
exec unshare --cgroup /bin/sh -ec "$2"
"#;

/// The second part, in a namespace of control groups: the journal knows a service by the name of
/// its group, as it is after a login.
const IN_GROUP: &str = r#"
umount /sys/fs/cgroup
mount -t cgroup2 new /sys/fs/cgroup
/usr/lib/systemd/systemd-journald &
while ! [ -S /run/systemd/journal/stdout ]; do sleep 0.02; done
login=/sys/fs/cgroup/user.slice/user-4242.slice/user@4242.service
mkdir -p "$login"
chown -R 4242:4242 "$login"
echo 0 >"$login/cgroup.procs"
exec setpriv --reuid 4242 --regid 4242 --clear-groups env -i HOME=/home/ana USER=ana \
    XDG_RUNTIME_DIR=/run/user/4242 PATH=/usr/bin:/bin CLAVIGER_CONFIG=/nonexistent \
    /usr/lib/systemd/systemd --user"#;

/// A machine with the units. Its processes end when this is dropped.
pub(crate) struct UserManager {
    pub(crate) machine: Namespace,
    session: Session,
}

impl UserManager {
    /// A machine on which the package is installed and ana is not logged in; her source runs this
    /// shell script.
    pub(crate) fn new(script: &str) -> Self {
        let machine = Namespace::new();
        machine.directory("/run/user/4242", User::Ana, 0o700);
        machine.write_program(
            "/home/ana/key",
            User::Ana,
            0o700,
            &format!("#!/bin/sh\n{script}\n"),
        );
        machine.write(CONFIG, User::Ana, &config(""));
        for (unit, directory) in [
            ("user/claviger.socket", "user"),
            ("user/claviger.service", "user"),
            ("user-preset/90-claviger.preset", "user-preset"),
        ] {
            let name = Path::new(unit).file_name().unwrap().to_str().unwrap();
            machine.directory(&format!("/etc/systemd/{directory}"), User::Root, 0o755);
            let text = packaged(unit).replace("/usr/bin/claviger", "/mnt/bin/claviger");
            machine.write(
                &format!("/etc/systemd/{directory}/{name}"),
                User::Root,
                &text,
            );
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            let path = machine.outside(&format!("/etc/systemd/{directory}/{name}"));
            fs::set_permissions(path, mode).unwrap();
        }
        let session = Session {
            group: format!("claviger-test-{}", machine.id()),
            manager: None,
        };
        Self { machine, session }
    }

    /// [`UserManager::new`], with the socket enabled as the package does it, and ana logged in.
    pub(crate) fn logged_in(script: &str) -> Self {
        let mut manager = Self::new(script);
        manager.preset();
        manager.log_in();
        manager
    }

    /// Enables for all users what the preset names.
    pub(crate) fn preset(&self) {
        let args = ["--global", "preset", "claviger.socket"];
        let mut command = self
            .machine
            .entrance(User::Root)
            .command("/usr/bin/systemctl", Path::new("/"));
        assert!(command.args(args).output().unwrap().status.success());
    }

    /// Starts ana's manager, and waits until it has started what a login starts.
    pub(crate) fn log_in(&mut self) {
        let root = self.machine.entrance(User::Root);
        let mut command = root.command("/bin/sh", Path::new("/"));
        command
            .args(["-c", LOG_IN, "sh", &self.session.group, IN_GROUP])
            .stderr(Stdio::inherit());
        self.session.manager = Some(command.spawn().unwrap());
        let is_up = until_blocking(SOON, || {
            self.systemctl(&["is-active", "default.target"]).code == Some(0)
        });
        assert!(is_up, "the user manager did not start");
    }

    /// Runs `systemctl --user` as ana, without warnings.
    pub(crate) fn systemctl(&self, args: &[&str]) -> ProgramOutput {
        let mut command = self.command("/usr/bin/systemctl");
        command
            .args(["--user", "--quiet"])
            .args(args)
            .output()
            .unwrap()
            .into()
    }

    /// A property of a unit.
    pub(crate) fn property(&self, unit: &str, property: &str) -> String {
        let output = self.systemctl(&["show", "--value", "--property", property, unit]);
        output.succeeded().trim().to_owned()
    }

    /// The process of the service, in this process's namespace; `None` if it does not run.
    pub(crate) fn service_pid(&self) -> Option<Pid> {
        let pid = self
            .property("claviger.service", "MainPID")
            .parse()
            .unwrap();
        self.machine.pid_outside(pid)
    }

    /// The daemons that run, in this process's namespace.
    pub(crate) fn daemons(&self) -> Vec<Pid> {
        self.machine.pids_of("claviger")
    }

    /// Sends a signal to the process of the service.
    pub(crate) fn kill_service(&self, signal: Signal) {
        kill_process(self.service_pid().unwrap(), signal).unwrap();
    }

    /// The entries of the service in the journal, one JSON object each.
    pub(crate) fn journal(&self) -> Vec<Value> {
        let root = self.machine.entrance(User::Root);
        let mut command = root.command("/usr/bin/journalctl", Path::new("/"));
        command.args(["--output=json", "_SYSTEMD_USER_UNIT=claviger.service"]);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// How many entries of the journal contain this text.
    fn logged(&self, text: &str) -> usize {
        let entries = self.journal();
        let messages = entries.iter().filter_map(|entry| entry["MESSAGE"].as_str());
        messages.filter(|message| message.contains(text)).count()
    }

    /// Asserts that the journal has so many entries with this text, at the latest soon.
    #[track_caller]
    pub(crate) fn assert_logged(&self, text: &str, count: usize) {
        let is_logged = until_blocking(SOON, || self.logged(text) == count);
        assert!(is_logged, "{text} {count} times: {:?}", self.journal());
    }

    /// Runs ana's shim.
    pub(crate) fn helper(&self) -> ProgramOutput {
        self.machine.helper(User::Ana, &[])
    }

    /// Adds settings to a unit, as an administrator does, and has the manager read them.
    pub(crate) fn write_drop_in(&self, unit: &str, text: &str) {
        let path = format!("/home/ana/.config/systemd/user/{unit}.d/test.conf");
        self.machine.write(&path, User::Ana, text);
        self.systemctl(&["daemon-reload"]).succeeded();
    }

    /// A program of ana's, with the environment of her login.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self
            .machine
            .entrance(User::Ana)
            .command(program, Path::new("/"));
        command
            .env_clear()
            .env("HOME", "/home/ana")
            .env("XDG_RUNTIME_DIR", "/run/user/4242")
            .env("PATH", "/usr/bin:/bin");
        command
    }
}

/// The journal must not contain a secret, nor must the daemon's command line and environment and
/// ana's files, except for her program and her configuration.
impl Drop for UserManager {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let mut canary = Canary::default();
        canary.add_secret(KEY);
        issued::add_to(&mut canary);
        for pid in self.daemons() {
            canary.record_process(pid, &HashMap::new());
        }
        if self.session.manager.is_some() {
            let entries = self.journal();
            let text: Vec<_> = entries.iter().map(Value::to_string).collect();
            canary.record("the journal", text.join("\n"));
        }
        let inputs = ["/home/ana/key", CONFIG].map(|path| {
            let path = self.machine.outside(path);
            let content = fs::read(&path).unwrap();
            (path, content)
        });
        for directory in ["/home/ana", "/run/user/4242/claviger", "/tmp"] {
            canary.record_files(&self.machine.outside(directory), &inputs.clone().into());
        }
        let leaks = canary.leaks();
        assert!(leaks.is_empty(), "a secret leaked: {leaks:#?}");
    }
}

/// The text of a packaged file.
pub(crate) fn packaged(name: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/linux/systemd");
    fs::read_to_string(directory.join(name)).unwrap()
}

/// A configuration whose source runs ana's program, with further tables.
pub(crate) fn config(more: &str) -> String {
    format!(
        "version = 1\n{more}\n[profile.default]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\n\
         timeout = \"20s\"\ncommand = [\"/home/ana/key\"]\n"
    )
}

/// A login: its manager, and the control group of its processes, which is removed when this is
/// dropped, after the namespace with the processes.
struct Session {
    group: String,
    manager: Option<Child>,
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(mut manager) = self.manager.take() else {
            return;
        };
        let _ = manager.wait();
        let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
        let mut mounts = mounts.lines().map(|line| line.split(' '));
        let mounted = mounts.find_map(|mut fields| {
            let directory = fields.nth(1)?;
            (fields.next()? == "cgroup2").then(|| PathBuf::from(directory))
        });
        if let Some(group) = mounted.map(|mounted| mounted.join(&self.group)) {
            until_blocking(SOON, || remove(&group) || !group.exists());
        }
    }
}

/// Removes a group with those below it; false if a process is still in one.
fn remove(group: &Path) -> bool {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|found| found.is_dir()) {
            remove(&entry.path());
        }
    }
    fs::remove_dir(group).is_ok()
}
