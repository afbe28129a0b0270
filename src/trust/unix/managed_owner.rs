//! Who may own and write a managed configuration.

use std::path::{Path, PathBuf};

use super::walk::{Walk, Way};
use crate::trust::{RegularFile, TrustError};

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

    /// Opens `file`, after a check that no other user can write it, nor replace it or a link or
    /// directory on the way to it.
    ///
    /// # Errors
    ///
    /// The first violation on the way, or the system's error.
    pub(crate) fn open(&self, file: &Path) -> Result<RegularFile, TrustError> {
        let way = Way::Managed {
            uid: self.uid,
            below: &self.below,
        };
        Walk::new(way).to(file)?.open_file()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, chown, lchown, symlink},
    };

    use rustix::process::geteuid;

    use super::*;

    const TEXT: &str = "version = 1\n";

    struct Fixture {
        dir: tempfile::TempDir,
        owner: ManagedOwner,
    }

    impl Fixture {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let below = dir.path().canonicalize().unwrap();
            let uid = geteuid().as_raw();
            let fixture = Self {
                dir,
                owner: ManagedOwner { uid, below },
            };
            fs::create_dir_all(fixture.path("etc/claviger")).unwrap();
            fs::write(fixture.path("etc/claviger/config.toml"), TEXT).unwrap();
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

        fn check(&self) -> Result<String, String> {
            let opened = self.owner.open(&self.path("etc/claviger/config.toml"));
            let opened = opened.map_err(|error| error.to_string())?;
            let bytes = opened.read(1 << 10).map_err(|error| error.to_string())?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
    }

    #[test]
    fn what_only_root_can_write_is_accepted() {
        let fixture = Fixture::new();
        assert_eq!(fixture.check().as_deref(), Ok(TEXT));
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
        if !geteuid().is_root() {
            return;
        }
        for name in ["etc/claviger/config.toml", "etc/claviger", "etc"] {
            let mut fixture = Fixture::new();
            chown(fixture.path(name), Some(4242), None).unwrap();
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
        assert_eq!(fixture.check().as_deref(), Ok(TEXT));

        for name in ["open", "srv", "srv/real", "srv/real/c.toml"] {
            fixture.chmod(name, 0o777);
            let expected = format!(
                "'{}' is writable by others (mode 0777)",
                fixture.path(name).display()
            );
            assert_eq!(fixture.check(), Err(expected));
            fixture.chmod(name, 0o755);
        }
        if geteuid().is_root() {
            lchown(fixture.path("open/hop"), Some(4242), None).unwrap();
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
            fixture.owner.open(&file).unwrap_err().to_string(),
            "too many symbolic links"
        );
    }
}
