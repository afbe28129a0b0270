//! A machine of its own for two users: mounts and processes in namespaces that end with it.
//!
//! `/etc` is a copy; `/home`, `/run/user`, `/root` and `/tmp` are empty; the programs under test
//! are in [`Namespace::PROGRAMS`]. The network is the machine's; nothing else is visible outside.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::{PermissionsExt as _, chown, lchown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Pid;

use super::{
    holder::{Holder, enter},
    process::{binary, is_alive},
    program_file,
    test_env::ProgramOutput,
    tools::tool,
};

/// Mounts what the namespace consists of, and stays until its stdin is closed. The first argument
/// is a further program, or empty.
const SCRIPT: &str = r#"set -e
mount -t tmpfs scratch /mnt
if [ -n "$1" ]; then
    touch /mnt/tool
    mount --bind "$1" /mnt/tool
fi
shift
cp -a /etc /mnt/etc
mount --bind /mnt/etc /etc
mkdir -p /etc/claviger
chmod 755 /mnt /etc/claviger
for directory in /run/user /home /root; do mount -t tmpfs -o mode=755 new "$directory"; done
chmod 700 /root
mkdir -m 755 /mnt/bin
cp "$@" /bin/sh /mnt/bin
for user in ana:4242 ben:4243; do
    name=${user%:*} id=${user#*:}
    echo "$name:x:$id:$id::/home/$name:/bin/sh" >>/etc/passwd
    echo "$name:x:$id:" >>/etc/group
    mkdir -m 700 "/home/$name"
    chown "$id:$id" "/home/$name"
done
mount -t tmpfs -o mode=1777 new /tmp
echo ready
read line || true"#;

/// Namespaces with the users `ana` and `ben`, whose homes are below `/home`. All processes in them
/// end when this is dropped.
pub(crate) struct Namespace {
    holder: Holder,
}

/// The user that a program runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    Root,
    /// The user whose keys the tests are about.
    Ana,
    /// The attacker.
    Ben,
    /// A user without an entry in the user database.
    Unknown,
}

impl User {
    pub(crate) const fn uid(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::Ana => 4242,
            Self::Ben => 4243,
            Self::Unknown => 5151,
        }
    }
}

impl Namespace {
    /// The directory of the programs under test.
    pub(crate) const PROGRAMS: &str = "/mnt/bin";

    /// The program of [`Namespace::with_tool`].
    pub(crate) const TOOL: &str = "/mnt/tool";

    /// Namespaces of their own.
    ///
    /// # Panics
    ///
    /// Panics unless this process is root's, and if the namespaces cannot be made.
    pub(crate) fn new() -> Self {
        Self::start(Path::new(""))
    }

    /// [`Namespace::new`], with the program `name` of [`tool`] at [`Namespace::TOOL`].
    pub(crate) fn with_tool(name: &str) -> Self {
        Self::start(&tool(name).canonicalize().unwrap())
    }

    fn start(tool: &Path) -> Self {
        let args = [tool.into(), binary("claviger"), binary("claviger-helper")];
        Self {
            holder: Holder::start(SCRIPT, args),
        }
    }

    /// A number that no other namespace of this machine has.
    pub(crate) fn id(&self) -> u32 {
        self.holder.first()
    }

    /// The process that has the number `inside` in the namespace, as this process sees it.
    pub(crate) fn pid_outside(&self, inside: i32) -> Option<Pid> {
        let inside = inside.to_string();
        let is_it = |status: &str| last_word(status, "NSpid:") == Some(&inside);
        self.processes(is_it).into_iter().next()
    }

    /// The live processes of the program `name`, as this process sees them.
    pub(crate) fn pids_of(&self, name: &str) -> Vec<Pid> {
        let is_it = |status: &str| last_word(status, "Name:") == Some(name);
        let mut pids = self.processes(is_it);
        // Nothing reaps a process in the namespace whose parent has ended.
        pids.retain(|pid| is_alive(*pid));
        pids
    }

    /// The processes of the namespace whose `/proc/PID/status` is as required.
    fn processes(&self, is_it: impl Fn(&str) -> bool) -> Vec<Pid> {
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let own = namespace(&self.id().to_string());
        let names = fs::read_dir("/proc").unwrap().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let found = names.filter(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            is_it(&status) && namespace(pid) == own
        });
        found
            .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
            .collect()
    }

    /// The path by which this process reaches `path` in the namespace.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.holder.outside(path)
    }

    /// Writes a program, and the directories above it, with this owner and this mode.
    pub(crate) fn write_program(&self, path: &str, owner: User, mode: u32, text: &str) {
        self.write(path, owner, text);
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.outside(path), mode).unwrap();
    }

    /// Creates a link with this owner.
    pub(crate) fn link(&self, target: &str, path: &str, owner: User) {
        let path = self.outside(path);
        symlink(target, &path).unwrap();
        lchown(path, Some(owner.uid()), Some(owner.uid())).unwrap();
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
        program_file::write(&self.outside(path), text);
        chown(self.outside(path), Some(owner.uid()), Some(owner.uid())).unwrap();
    }

    /// What is needed to run programs as `user`.
    pub(crate) fn entrance(&self, user: User) -> Entrance {
        Entrance {
            first: self.id(),
            user,
        }
    }

    /// A program under test, with no environment.
    pub(crate) fn command(&self, user: User, program: &str, args: &[&str]) -> Command {
        let program = Path::new(Self::PROGRAMS).join(program);
        let mut command = self.entrance(user).command(&program, Path::new("/"));
        command
            .args(args)
            .env_clear()
            .env("CLAVIGER_TIMEOUT_MS", "30000");
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

/// The last word of the line that starts with `name`.
fn last_word<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next_back()
}

/// A user in a namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entrance {
    first: u32,
    user: User,
}

impl Entrance {
    /// A program that runs as the user in `directory`, with an empty stdin.
    pub(crate) fn command(self, program: impl AsRef<OsStr>, directory: &Path) -> Command {
        let id = self.user.uid().to_string();
        let mut command = enter(self.first);
        let directory = format!("--wdns={}", directory.display());
        command
            .arg(directory)
            .args(["--", "/usr/bin/setpriv", "--reuid", &id, "--regid", &id])
            .args(["--clear-groups", "--"])
            .arg(program);
        command
    }
}
