//! A machine of its own for a second user: mounts and processes in namespaces that end with it.
//!
//! `/etc` is a copy, `/home`, `/run/user` and `/root` are empty, and the programs under test are in
//! [`Namespace::PROGRAMS`]. Nothing of it is visible outside.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use super::{
    poll::{SOON, until_blocking},
    process::binary,
    test_env::ProgramOutput,
};

/// Mounts what the namespace consists of, and stays until its stdin is closed.
const SCRIPT: &str = r#"set -e
mount -t tmpfs scratch /mnt
cp -a /etc /mnt/etc
mount --bind /mnt/etc /etc
mkdir -p /etc/claviger
chmod 755 /mnt /etc/claviger
for directory in /run/user /home /root; do mount -t tmpfs -o mode=755 new "$directory"; done
chmod 700 /root
mkdir -m 755 /mnt/bin
cp "$@" /mnt/bin
cp /bin/sh /mnt/bin/sh
echo "ana:x:4242:4242::/home/ana:/bin/sh" >>/etc/passwd
mkdir -m 700 /home/ana
chown 4242:4242 /home/ana
echo ready
read line || true"#;

/// Namespaces with the user `ana`, whose home is `/home/ana`. All processes in them end when this
/// is dropped.
pub(crate) struct Namespace {
    holder: Child,
    /// The process whose namespaces these are.
    first: u32,
    _stdout: BufReader<ChildStdout>,
}

/// The user that a program runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    Root,
    Ana,
    /// A user without an entry in the user database.
    Unknown,
}

impl User {
    pub(crate) const fn uid(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::Ana => 4242,
            Self::Unknown => 5151,
        }
    }
}

impl Namespace {
    /// The directory of the programs under test.
    pub(crate) const PROGRAMS: &str = "/mnt/bin";

    /// Namespaces of their own; `None` if this user may not have any, who must be root for it.
    pub(crate) fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let mut holder = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["/bin/sh", "-c", SCRIPT, "sh"])
            .args([binary("claviger"), binary("claviger-helper")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(holder.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the namespace could not be made");
        let id = holder.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        Some(Self {
            holder,
            first: children.trim().parse().unwrap(),
            _stdout: stdout,
        })
    }

    /// The path by which this process reaches `path` in the namespace.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.first))
    }

    /// Creates a directory with this owner and mode.
    pub(crate) fn directory(&self, path: &str, owner: User, mode: u32) {
        let directory = self.outside(path);
        if !directory.exists() {
            fs::create_dir(&directory).unwrap();
        }
        chown(&directory, Some(owner.uid()), Some(owner.uid())).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Writes a file with this owner and mode 0644, and the directories above it, with 0700.
    pub(crate) fn write(&self, path: &str, owner: User, text: &str) {
        let above: Vec<_> = Path::new(path).ancestors().skip(1).collect();
        for directory in above.into_iter().rev().filter_map(Path::to_str) {
            if !self.outside(directory).exists() {
                self.directory(directory, owner, 0o700);
            }
        }
        let mut file = fs::File::create(self.outside(path)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        chown(self.outside(path), Some(owner.uid()), Some(owner.uid())).unwrap();
    }

    /// A program in the namespace, with no environment.
    pub(crate) fn command(&self, user: User, program: &str, args: &[&str]) -> Command {
        let id = user.uid().to_string();
        let mut command = Command::new("/usr/bin/nsenter");
        command
            .args(["--target", &self.first.to_string(), "--mount", "--pid"])
            .args(["--", "/usr/bin/setpriv", "--reuid", &id, "--regid", &id])
            .args(["--clear-groups", "--"])
            .arg(Path::new(Self::PROGRAMS).join(program))
            .args(args)
            .env_clear()
            .env("CLAVIGER_TIMEOUT_MS", "30000")
            .stdin(Stdio::null());
        command
    }

    /// Runs a program with these variables.
    pub(crate) fn run(
        &self,
        user: User,
        program: &str,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> ProgramOutput {
        let mut command = self.command(user, program, args);
        command.envs(variables.iter().copied());
        command.output().unwrap().into()
    }

    /// Runs the shim with these variables.
    pub(crate) fn helper(&self, user: User, variables: &[(&str, &str)]) -> ProgramOutput {
        self.run(user, "claviger-helper", &[], variables)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The first process of the namespace ends at the end of its input, and the rest with it.
        drop(self.holder.stdin.take());
        until_blocking(SOON, || matches!(self.holder.try_wait(), Ok(Some(_))));
    }
}
