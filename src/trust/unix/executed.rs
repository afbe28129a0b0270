//! The file that a process executes: `/proc/PID/exe` leads to the file itself, whatever has its
//! name by now. See proc_pid_exe(5).

use std::{
    ffi::OsStr,
    io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
};

use rustix::fs::{self, CWD, Mode, OFlags, Stat};

use super::{ManagedOwner, observed, user};
use crate::trust::{TrustError, Violation, rule::Rule};

/// What Linux adds to the path of a file that has been removed or replaced.
const DELETED: &[u8] = b" (deleted)";

/// The file that a process executes, opened.
#[derive(Debug)]
pub(crate) struct ExecutedFile {
    fd: OwnedFd,
    path: PathBuf,
    /// Whether the process sees the mounts that this process sees, so that a path means the same.
    shares_mounts: bool,
}

impl ExecutedFile {
    /// Opens the file that the process `pid` executes.
    ///
    /// # Errors
    ///
    /// The system's: the process has ended, is another user's, or is not dumpable.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        // To look at, not to read: no permission is needed, and nothing can block.
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let fd = fs::openat(CWD, format!("/proc/{pid}/exe"), flags, Mode::empty())?;
        // Of this very file: meanwhile the process may execute another one.
        let mut path = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))?;
        let mounts = |process: &str| fs::stat(format!("/proc/{process}/ns/mnt"));
        let shares_mounts = is_same(&mounts(&pid.to_string())?, &mounts("self")?);
        if let Some(original) = path.as_os_str().as_bytes().strip_suffix(DELETED)
            && !path.exists()
        {
            path = PathBuf::from(OsStr::from_bytes(original));
        }
        Ok(Self {
            fd,
            path,
            shares_mounts,
        })
    }

    /// Its path when it was started, without links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl ManagedOwner {
    /// Checks that no other user can write the executed `file`, nor replace it or a directory on
    /// the way to it. A file that was replaced since it was started, as an update does, is judged
    /// with its directory: only root can have removed it from there.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] on the way, or the system's error.
    pub(crate) fn executed(&self, file: &ExecutedFile) -> Result<(), TrustError> {
        // First: a file system of the user's own need not answer questions about the file.
        let at_path = self.file_at(file)?;
        let found = fs::fstat(&file.fd)?;
        Rule::managed_program(self.uid).judge(&file.path, &observed(&found), user())?;
        let has_its_path = at_path.is_some_and(|at_path| is_same(&at_path, &found));
        // In a mount namespace of the user's own, any file can have any path.
        if has_its_path || (file.shares_mounts && found.st_nlink == 0) {
            return Ok(());
        }
        Err(Violation {
            path: file.path.clone(),
            problem: "is another file than the one that is running".to_owned(),
            hint: "start the client again, outside of a container or sandbox".to_owned(),
        }
        .into())
    }

    /// The program that has the path of `file` now; `None` if there is none.
    fn file_at(&self, file: &ExecutedFile) -> Result<Option<Stat>, TrustError> {
        match self.find_program(&file.path) {
            Err(TrustError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                let directory = file.path.parent().unwrap_or(Path::new("/"));
                self.walk().to(directory)?;
                Ok(None)
            }
            result => result.map(Some),
        }
    }
}

/// Whether these are of the same file.
fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::Permissions,
        os::unix::fs::{PermissionsExt as _, chown, symlink},
        process::{Child, Command},
    };

    use rustix::process::geteuid;

    use super::*;

    /// A directory `bin` with a copy of a program, which runs, and the rule that accepts this user
    /// in it.
    struct Fixture {
        directory: tempfile::TempDir,
        owner: ManagedOwner,
        running: Child,
    }

    impl Fixture {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let root = directory.path().canonicalize().unwrap();
            std::fs::create_dir(root.join("bin")).unwrap();
            for name in ["", "bin"] {
                let mode = Permissions::from_mode(0o755);
                std::fs::set_permissions(root.join(name), mode).unwrap();
            }
            // Another process writes it: see ETXTBSY in execve(2).
            let copied = Command::new("cp")
                .args(["/bin/sleep".as_ref(), root.join("bin/client").as_os_str()])
                .status();
            assert!(copied.unwrap().success());
            let running = Command::new(root.join("bin/client"))
                .arg("600")
                .spawn()
                .unwrap();
            let owner = ManagedOwner {
                uid: geteuid().as_raw(),
                below: root,
            };
            Self {
                directory,
                owner,
                running,
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.owner.below.join(name)
        }

        fn chmod(&self, name: &str, mode: u32) {
            std::fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
        }

        /// The path of the executed file if it is accepted, else the violation.
        fn check(&self) -> Result<PathBuf, String> {
            let file = ExecutedFile::of(self.running.id()).unwrap();
            match self.owner.executed(&file) {
                Ok(()) => Ok(file.path().to_owned()),
                Err(error) => Err(error.to_string()),
            }
        }
    }

    impl Drop for Fixture {
        fn drop(&mut self) {
            let _ = self.running.kill();
            let _ = self.running.wait();
            assert!(self.directory.path().exists());
        }
    }

    #[test]
    fn what_only_root_can_write_is_accepted() {
        let fixture = Fixture::new();
        assert_eq!(fixture.check(), Ok(fixture.path("bin/client")));
    }

    #[test]
    fn what_others_can_write_or_own_is_refused() {
        for (name, mode) in [("bin/client", 0o775), ("bin", 0o757), ("bin", 0o1777)] {
            let fixture = Fixture::new();
            fixture.chmod(name, mode);
            let expected = format!(
                "'{}' is writable by others (mode {mode:04o})",
                fixture.path(name).display()
            );
            assert_eq!(fixture.check(), Err(expected));
        }
        if geteuid().is_root() {
            for name in ["bin/client", "bin"] {
                let fixture = Fixture::new();
                chown(fixture.path(name), Some(4242), None).unwrap();
                let error = fixture.check().unwrap_err();
                assert!(
                    error.contains("is owned by uid 4242; expected root"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn an_update_while_it_runs_changes_nothing() {
        let fixture = Fixture::new();
        let client = fixture.path("bin/client");
        // As package managers do.
        std::fs::write(fixture.path("bin/new"), "").unwrap();
        std::fs::rename(fixture.path("bin/new"), &client).unwrap();
        assert_eq!(fixture.check(), Ok(client.clone()));
        std::fs::remove_file(&client).unwrap();
        assert_eq!(fixture.check(), Ok(client));
        fixture.chmod("bin", 0o777);
        let expected = format!(
            "'{}' is writable by others (mode 0777)",
            fixture.path("bin").display()
        );
        assert_eq!(fixture.check(), Err(expected));
    }

    #[test]
    fn another_file_at_the_path_is_noticed() {
        let fixture = Fixture::new();
        let client = fixture.path("bin/client");
        let mut file = ExecutedFile::of(fixture.running.id()).unwrap();
        // As in a mount namespace of the user's own, in which the path is another file's.
        let other = fixture.path("bin/other");
        std::fs::copy(&client, &other).unwrap();
        file.path = other;
        let error = fixture.owner.executed(&file).unwrap_err().to_string();
        assert!(
            error.ends_with("is another file than the one that is running"),
            "{error}"
        );
        // The same for a file that no path leads to.
        std::fs::remove_file(&client).unwrap();
        file.shares_mounts = false;
        let error = fixture.owner.executed(&file).unwrap_err().to_string();
        assert!(
            error.ends_with("is another file than the one that is running"),
            "{error}"
        );
    }

    #[test]
    fn the_path_is_that_of_the_file_and_not_of_a_link() {
        let fixture = Fixture::new();
        symlink("client", fixture.path("bin/link")).unwrap();
        let mut running = Command::new(fixture.path("bin/link"))
            .arg("600")
            .spawn()
            .unwrap();
        let file = ExecutedFile::of(running.id()).unwrap();
        assert_eq!(file.path(), fixture.path("bin/client"));
        running.kill().unwrap();
        running.wait().unwrap();
    }
}
