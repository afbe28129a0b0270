//! Owners and modes.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use super::Refusal;

/// As many links as Linux follows in one path (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// The mode bits that let others than the owner write.
const OTHERS_WRITE: u32 = 0o022;

/// Whom a managed configuration may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trust {
    /// Beside root (uid 0), which can write everywhere anyway.
    pub(crate) uid: u32,
    /// The directories above this one are taken as they are: `/` but in tests, whose files are in temporary directories.
    pub(crate) below: PathBuf,
}

impl Trust {
    /// Root alone, in every directory.
    #[must_use]
    pub(crate) fn of_this_machine() -> Self {
        Self {
            uid: 0,
            below: PathBuf::from("/"),
        }
    }

    /// The real path of `file`, after a check that nobody else can write it, nor replace it or a link or directory on
    /// the way to it: each is owned by a trusted user, and no directory nor the file can be written by its group or by
    /// all. The sticky bit is no excuse: it keeps others from replacing a file and not from making it first.
    ///
    /// # Errors
    ///
    /// The system's, in the outer result; what cannot be trusted, in the inner one.
    pub(in super::super) fn check(&self, file: &Path) -> io::Result<Result<PathBuf, Refusal>> {
        let file = std::path::absolute(file)?;
        let mut todo: VecDeque<OsString> = names(&file).collect();
        let mut at = PathBuf::from("/");
        let mut links = 0;
        if let Err(refusal) = self.check_one(&at, &fs::symlink_metadata(&at)?) {
            return Ok(Err(refusal));
        }
        while let Some(name) = todo.pop_front() {
            if name == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&name);
            let metadata = fs::symlink_metadata(&next)?;
            if let Err(refusal) = self.check_one(&next, &metadata) {
                return Ok(Err(refusal));
            }
            if !metadata.is_symlink() {
                at = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::other("too many links"));
            }
            let target = fs::read_link(&next)?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
                todo.push_front(name);
            }
        }
        Ok(Ok(at))
    }

    fn check_one(&self, path: &Path, metadata: &Metadata) -> Result<(), Refusal> {
        if path != self.below && self.below.starts_with(path) {
            return Ok(());
        }
        let owner = metadata.uid();
        if owner != 0 && owner != self.uid {
            return Err(Refusal {
                reason: format!("'{}' belongs to uid {owner}, not to root", path.display()),
                hint: format!("as root: chown root '{}'", path.display()),
            });
        }
        // A link has no mode of its own.
        if !metadata.is_symlink() && metadata.mode() & OTHERS_WRITE != 0 {
            return Err(Refusal {
                reason: writable_by(path, metadata),
                hint: format!("as root: chmod go-w '{}'", path.display()),
            });
        }
        Ok(())
    }
}

/// Checks a user's own file, which is open already: it is the user's or root's, and nobody else can write it.
pub(in super::super) fn check_user_file(path: &Path, metadata: &Metadata) -> Result<(), Refusal> {
    let owner = metadata.uid();
    let user = rustix::process::geteuid().as_raw();
    if owner != 0 && owner != user {
        return Err(Refusal {
            reason: format!("it belongs to uid {owner}, not to you (uid {user})"),
            hint: format!("copy '{}' to a file of your own", path.display()),
        });
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err(Refusal {
            reason: writable_by(path, metadata),
            hint: format!("chmod go-w '{}'", path.display()),
        });
    }
    Ok(())
}

fn writable_by(path: &Path, metadata: &Metadata) -> String {
    let mode = metadata.mode() & 0o7777;
    format!("others can write '{}' (mode {mode:04o})", path.display())
}

/// The path's components without its root and `.`.
fn names(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    let component = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(component)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    struct Fixture {
        dir: tempfile::TempDir,
        trust: Trust,
    }

    impl Fixture {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let below = dir.path().canonicalize().unwrap();
            let uid = rustix::process::geteuid().as_raw();
            let fixture = Self {
                dir,
                trust: Trust { uid, below },
            };
            fs::create_dir_all(fixture.path("etc/claviger")).unwrap();
            fs::write(fixture.path("etc/claviger/config.toml"), "version = 1\n").unwrap();
            for name in ["", "etc", "etc/claviger"] {
                fixture.chmod(name, 0o755);
            }
            fixture.chmod("etc/claviger/config.toml", 0o644);
            fixture
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().canonicalize().unwrap().join(name)
        }

        fn chmod(&self, name: &str, mode: u32) {
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
        }

        fn check(&self) -> Result<PathBuf, String> {
            let checked = self
                .trust
                .check(&self.path("etc/claviger/config.toml"))
                .unwrap();
            checked.map_err(|refusal| refusal.reason)
        }
    }

    #[test]
    fn what_only_root_can_write_is_taken() {
        let fixture = Fixture::new();
        assert_eq!(
            fixture.check(),
            Ok(fixture.path("etc/claviger/config.toml"))
        );
    }

    #[test]
    fn what_others_can_write_is_refused() {
        for (name, mode) in [
            ("etc/claviger/config.toml", 0o664),
            ("etc/claviger/config.toml", 0o646),
            ("etc/claviger", 0o775),
            ("etc/claviger", 0o1777),
            ("etc", 0o757),
            ("etc", 0o1777),
        ] {
            let fixture = Fixture::new();
            fixture.chmod(name, mode);
            let expected = format!(
                "others can write '{}' (mode {mode:04o})",
                fixture.path(name).display()
            );
            assert_eq!(fixture.check(), Err(expected));
        }
    }

    #[test]
    fn another_owner_is_refused() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        for name in ["etc/claviger/config.toml", "etc/claviger", "etc"] {
            let mut fixture = Fixture::new();
            std::os::unix::fs::chown(fixture.path(name), Some(4242), None).unwrap();
            let expected = format!(
                "'{}' belongs to uid 4242, not to root",
                fixture.path(name).display()
            );
            assert_eq!(fixture.check(), Err(expected));
            fixture.trust.uid = 4242;
            assert!(fixture.check().is_ok());
        }
    }

    #[test]
    fn links_are_followed_and_every_place_on_the_way_counts() {
        let fixture = Fixture::new();
        fs::create_dir_all(fixture.path("srv/real")).unwrap();
        fs::create_dir(fixture.path("open")).unwrap();
        for name in ["srv", "srv/real", "open"] {
            fixture.chmod(name, 0o755);
        }
        fs::rename(
            fixture.path("etc/claviger/config.toml"),
            fixture.path("srv/real/c.toml"),
        )
        .unwrap();
        symlink(
            fixture.path("open/hop"),
            fixture.path("etc/claviger/config.toml"),
        )
        .unwrap();
        symlink("../srv/./real/c.toml", fixture.path("open/hop")).unwrap();
        assert_eq!(fixture.check(), Ok(fixture.path("srv/real/c.toml")));

        for name in ["open", "srv", "srv/real", "srv/real/c.toml"] {
            fixture.chmod(name, 0o777);
            let expected = format!(
                "others can write '{}' (mode 0777)",
                fixture.path(name).display()
            );
            assert_eq!(fixture.check(), Err(expected));
            fixture.chmod(name, 0o755);
        }
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::lchown(fixture.path("open/hop"), Some(4242), None).unwrap();
            assert!(fixture.check().unwrap_err().contains("belongs to uid 4242"));
        }
    }

    #[test]
    fn links_without_an_end_are_an_error() {
        let fixture = Fixture::new();
        let file = fixture.path("etc/claviger/config.toml");
        fs::remove_file(&file).unwrap();
        symlink(&file, &file).unwrap();
        assert_eq!(
            fixture.trust.check(&file).unwrap_err().to_string(),
            "too many links"
        );
    }

    #[test]
    fn a_user_file_is_the_users_alone() {
        let fixture = Fixture::new();
        let file = fixture.path("etc/claviger/config.toml");
        let check = || check_user_file(&file, &fs::metadata(&file).unwrap());
        assert_eq!(check(), Ok(()));
        fixture.chmod("etc/claviger/config.toml", 0o620);
        let refusal = check().unwrap_err();
        assert_eq!(
            refusal.reason,
            format!("others can write '{}' (mode 0620)", file.display())
        );
        assert_eq!(refusal.hint, format!("chmod go-w '{}'", file.display()));
    }
}
