//! Observing files on Unix: kind, owner and mode, along a whole path if need be.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use super::{
    Ruling, TrustError, Violation,
    rule::{Facts, FileKind, Rule},
};

/// The links that are followed in one path: as many as Linux follows (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// The user that a managed configuration and the directories on its path must belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ManagedOwner {
    /// Accepted beside root (uid 0), which can write everywhere anyway.
    pub(crate) uid: u32,
    /// The directories above this one are not judged: `/` except in tests, whose files are in
    /// temporary directories.
    pub(crate) below: PathBuf,
}

impl ManagedOwner {
    /// Root alone, in every directory.
    #[must_use]
    pub(crate) fn of_this_machine() -> Self {
        Self {
            uid: 0,
            below: PathBuf::from("/"),
        }
    }

    /// Resolves `file` to its real path, after a check that no other user can write it, nor replace
    /// it or a link or directory on the way to it.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] on the way, or the system's error.
    pub(crate) fn resolve(&self, file: &Path) -> Result<PathBuf, TrustError> {
        let file = std::path::absolute(file)?;
        let mut todo: VecDeque<OsString> = names(&file).collect();
        let mut at = PathBuf::from("/");
        let mut links = 0;
        self.judge(&at, &fs::symlink_metadata(&at)?)?;
        while let Some(name) = todo.pop_front() {
            if name == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&name);
            let metadata = fs::symlink_metadata(&next)?;
            self.judge(&next, &metadata)?;
            if !metadata.is_symlink() {
                at = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::other("too many symbolic links").into());
            }
            let target = fs::read_link(&next)?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
                todo.push_front(name);
            }
        }
        Ok(at)
    }

    fn judge(&self, path: &Path, metadata: &Metadata) -> Result<(), Violation> {
        if path != self.below && self.below.starts_with(path) {
            return Ok(());
        }
        Rule::managed_file(self.uid)
            .judge_metadata(path, metadata)
            .map(drop)
    }
}

/// Checks that `directory` is a directory, not a link to one, that belongs to the user and that no
/// other user can enter, read or write.
///
/// # Errors
///
/// The [`Violation`], or the system's error.
pub(crate) fn private_directory(directory: &Path) -> Result<(), TrustError> {
    let metadata = fs::symlink_metadata(directory)?;
    Rule::private_directory().judge_metadata(directory, &metadata)?;
    Ok(())
}

impl Rule {
    /// Applies the rule to `path`, of which `metadata` was observed.
    pub(super) fn judge_metadata(
        &self,
        path: &Path,
        metadata: &Metadata,
    ) -> Result<Ruling, Violation> {
        let facts = Facts {
            kind: if metadata.is_symlink() {
                FileKind::Link
            } else if metadata.is_dir() {
                FileKind::Directory
            } else if metadata.is_file() {
                FileKind::File
            } else {
                FileKind::Special
            },
            owner: metadata.uid(),
            mode: metadata.mode() & 0o7777,
        };
        self.judge(path, &facts, rustix::process::geteuid().as_raw())
    }
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

    use super::{super::RegularFile, *};

    struct Fixture {
        dir: tempfile::TempDir,
        owner: ManagedOwner,
    }

    impl Fixture {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let below = dir.path().canonicalize().unwrap();
            let uid = rustix::process::geteuid().as_raw();
            let fixture = Self {
                dir,
                owner: ManagedOwner { uid, below },
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
            self.owner
                .resolve(&self.path("etc/claviger/config.toml"))
                .map_err(|error| error.to_string())
        }
    }

    #[test]
    fn what_only_root_can_write_is_accepted() {
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
                "'{}' is writable by others (mode {mode:04o})",
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
                "'{}' is owned by uid 4242; expected root",
                fixture.path(name).display()
            );
            assert_eq!(fixture.check(), Err(expected));
            fixture.owner.uid = 4242;
            assert!(fixture.check().is_ok());
        }
    }

    #[test]
    fn links_are_followed_and_everything_on_the_way_is_judged() {
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
                "'{}' is writable by others (mode 0777)",
                fixture.path(name).display()
            );
            assert_eq!(fixture.check(), Err(expected));
            fixture.chmod(name, 0o755);
        }
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::lchown(fixture.path("open/hop"), Some(4242), None).unwrap();
            assert!(
                fixture
                    .check()
                    .unwrap_err()
                    .contains("is owned by uid 4242")
            );
        }
    }

    #[test]
    fn a_loop_of_links_is_an_error() {
        let fixture = Fixture::new();
        let file = fixture.path("etc/claviger/config.toml");
        fs::remove_file(&file).unwrap();
        symlink(&file, &file).unwrap();
        assert_eq!(
            fixture.owner.resolve(&file).unwrap_err().to_string(),
            "too many symbolic links"
        );
    }

    #[test]
    fn the_opened_user_file_is_judged() {
        let fixture = Fixture::new();
        let file = fixture.path("etc/claviger/config.toml");
        let judge = || RegularFile::open(&file).unwrap().judge(&Rule::user_file());
        assert_eq!(judge(), Ok(Ruling::Trusted));
        fixture.chmod("etc/claviger/config.toml", 0o620);
        let violation = judge().unwrap_err();
        assert_eq!(
            violation.to_string(),
            format!("'{}' is writable by others (mode 0620)", file.display())
        );
        assert_eq!(violation.hint, format!("chmod go-w '{}'", file.display()));
    }

    #[test]
    fn a_private_directory_is_no_link_and_closed_to_others() {
        let fixture = Fixture::new();
        let directory = fixture.path("etc");
        assert!(private_directory(&directory).is_err(), "mode 0755");
        fixture.chmod("etc", 0o700);
        private_directory(&directory).unwrap();
        let link = fixture.path("link");
        symlink(&directory, &link).unwrap();
        let error = private_directory(&link).unwrap_err().to_string();
        assert!(error.contains("is a symbolic link"), "{error}");
    }
}
