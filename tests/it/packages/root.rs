//! A small Debian in which packages are installed: an overlay of `target/tools/bookworm` in
//! namespaces that end with it.
//!
//! Its users are `ana`, who has a runtime directory, and `ben`, who has none. The network is the
//! machine's.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

use super::package::directory;
use crate::support::{
    holder::{Holder, enter},
    namespace::User,
    test_env::ProgramOutput,
    tools::tool,
};

/// Mounts the root on /mnt/root, and stays in it until its stdin is closed. The arguments are the
/// image, which may be empty, and the directory of the packages.
const SCRIPT: &str = r#"set -e
mount -t tmpfs -o mode=755 scratch /mnt
mkdir /mnt/new /mnt/work /mnt/root /mnt/empty
mount -t overlay -o "lowerdir=${1:-/mnt/empty},upperdir=/mnt/new,workdir=/mnt/work" root /mnt/root
cd /mnt/root
mkdir -p proc dev tmp packages etc
chmod 1777 tmp
mount -t proc proc proc
mount --rbind /dev dev
mount --bind "$2" packages
for user in ana:4242 ben:4243; do
    name=${user%:*} id=${user#*:}
    echo "$name:x:$id:$id::/home/$name:/bin/sh" >>etc/passwd
    mkdir -p -m 755 home run/user
    mkdir -m 700 "home/$name"
    chown "$id:$id" "home/$name"
done
mkdir -m 700 run/user/4242
chown 4242:4242 run/user/4242
echo ready
read line || true"#;

/// Where the packages are in the root.
pub(super) const PACKAGES: &str = "/packages";

/// Mode, owner and group of a file; its target if it is a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    File { mode: u32, uid: u32, gid: u32 },
    Link(PathBuf),
}

/// A root. All processes in it end when this is dropped.
pub(super) struct Root {
    holder: Holder,
}

impl Root {
    /// A Debian without anything of Claviger's.
    pub(super) fn debian() -> Self {
        let image = tool("../bookworm").canonicalize().unwrap();
        Self::start(image.to_str().unwrap())
    }

    /// A root without any file, apart from the users' database and homes.
    pub(super) fn empty() -> Self {
        Self::start("")
    }

    fn start(image: &str) -> Self {
        let packages = directory();
        let args = [OsStr::new(image), packages.as_os_str()];
        Self {
            holder: Holder::start(SCRIPT, args),
        }
    }

    /// The path by which this process reaches `path` in the root.
    pub(super) fn outside(&self, path: &str) -> PathBuf {
        self.holder.outside(&format!("/mnt/root{path}"))
    }

    /// Writes a file with this owner and mode 0600; the directories above it have mode 0700.
    pub(super) fn write(&self, path: &str, owner: User, text: &str) {
        let mut above: Vec<_> = Path::new(path).ancestors().skip(1).collect();
        above.reverse();
        for directory in above.into_iter().filter_map(Path::to_str) {
            let directory = self.outside(directory);
            if !directory.exists() {
                fs::create_dir(&directory).unwrap();
                own(&directory, owner, 0o700);
            }
        }
        let path = self.outside(path);
        fs::write(&path, text).unwrap();
        own(&path, owner, 0o600);
    }

    /// Mounts a file or directory of this machine on `path`, a new one.
    pub(super) fn bind(&self, file: &Path, path: &str) {
        if file.is_dir() {
            fs::create_dir(self.outside(path)).unwrap();
        } else {
            fs::write(self.outside(path), "").unwrap();
        }
        let file = file.canonicalize().unwrap();
        let at = format!("/mnt/root{path}");
        let args = ["--bind", file.to_str().unwrap(), &at];
        let output = self.outer("/usr/bin/mount", &args).output().unwrap();
        ProgramOutput::from(output).succeeded();
    }

    /// A program of the root's, as `user`, without environment.
    pub(super) fn command(&self, user: User, program: &str, args: &[&str]) -> Command {
        let id = user.uid().to_string();
        // Not setpriv of the root, which an empty one lacks.
        let user = format!("--userspec={id}:{id}");
        let options = [&user, "--groups=", "/mnt/root", program];
        let mut command = self.outer("/usr/sbin/chroot", &[&options, args].concat());
        command.env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        );
        command
    }

    /// A program of this machine, as root, which sees the root at /mnt/root.
    pub(super) fn outer(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Command {
        let mut command = enter(self.holder.first());
        command
            .args(["--wd=/", "--"])
            .arg(program)
            .args(args)
            .env_clear()
            .env("CLAVIGER_TIMEOUT_MS", "30000");
        command
    }

    /// Runs a program of the root's.
    pub(super) fn run(&self, user: User, program: &str, args: &[&str]) -> ProgramOutput {
        self.command(user, program, args).output().unwrap().into()
    }

    /// Whether the process with this id in the root exists and is not a zombie: nothing waits for
    /// daemons there.
    pub(super) fn is_alive(&self, pid: u64) -> bool {
        let stat = fs::read_to_string(self.outside(&format!("/proc/{pid}/stat")));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    /// The files and links that are not the image's, or were changed, below the directories that
    /// packages install to.
    pub(super) fn files(&self) -> BTreeMap<String, Entry> {
        let new = self.holder.outside("/mnt/new");
        let mut found = BTreeMap::new();
        for directory in ["bin", "etc", "lib", "opt", "sbin", "srv", "usr"] {
            collect(&new, &new.join(directory), &mut found);
        }
        found
    }

    /// Every file of the root's own that contains `text`.
    pub(super) fn containing(&self, text: &str) -> Vec<PathBuf> {
        let new = self.holder.outside("/mnt/new");
        let mut found = BTreeMap::new();
        collect(&new, &new, &mut found);
        let has = |path: &PathBuf| {
            let content = fs::read(path).unwrap_or_default();
            content
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        let paths = found.into_keys().map(|path| new.join(&path[1..]));
        paths
            .filter(|path| !path.is_symlink())
            .filter(has)
            .collect()
    }
}

fn own(path: &Path, owner: User, mode: u32) {
    chown(path, Some(owner.uid()), Some(owner.uid())).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Adds the files and links below `directory`, by their paths in the root.
fn collect(top: &Path, directory: &Path, found: &mut BTreeMap<String, Entry>) {
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            collect(top, &path, found);
            continue;
        }
        let entry = if metadata.is_symlink() {
            Entry::Link(fs::read_link(&path).unwrap())
        } else if metadata.is_file() {
            Entry::File {
                mode: metadata.mode() & 0o7777,
                uid: metadata.uid(),
                gid: metadata.gid(),
            }
        } else {
            // A file of the image that was removed is a device here; sockets are not installed.
            continue;
        };
        let name = path.strip_prefix(top).unwrap().to_str().unwrap();
        found.insert(format!("/{name}"), entry);
    }
}
