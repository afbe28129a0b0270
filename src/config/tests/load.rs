//! The order of the files, and the files that are errors.

use std::{
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
};

use super::*;
use crate::trust::ManagedOwner;

struct Fixture {
    dir: tempfile::TempDir,
    locations: Locations,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().canonicalize().unwrap();
        let locations = Locations {
            managed: below.join("managed.toml"),
            user: Some(below.join("user.toml")),
            explicit: None,
            managed_owner: ManagedOwner {
                uid: rustix::process::geteuid().as_raw(),
                below,
            },
        };
        Self { dir, locations }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, extra: &str) {
        let text = format!(
            "version = 1\n{extra}\nprofile.p.source = 's'\n[source.s]\ntype = 'exec'\ncommand = ['/k']\n"
        );
        fs::write(self.path(name), text).unwrap();
        self.chmod(name, 0o644);
    }

    fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn explicit(&mut self, name: &str) {
        self.locations.explicit = Some(self.path(name));
    }

    /// The name of the file that is read, or the message without the directory.
    fn load(&self) -> Result<String, String> {
        let dir = format!("{}/", self.path("").display()).replace("//", "/");
        match load(&self.locations) {
            Ok(config) => Ok(config.file.display().to_string().replace(&dir, "")),
            Err(error) => Err(error.to_string().replace(&dir, "")),
        }
    }
}

#[test]
fn no_file_is_an_error() {
    let fixture = Fixture::new();
    assert_eq!(
        fixture.load().unwrap_err(),
        "no configuration found; looked for 'managed.toml' and 'user.toml'"
    );
}

#[test]
fn the_explicit_one_precedes_the_users() {
    let mut fixture = Fixture::new();
    fixture.write("user.toml", "");
    assert_eq!(fixture.load().as_deref(), Ok("user.toml"));
    fixture.explicit("explicit.toml");
    assert_eq!(
        fixture.load().unwrap_err(),
        "cannot read 'explicit.toml': No such file or directory (os error 2)"
    );
    fixture.write("explicit.toml", "");
    assert_eq!(fixture.load().as_deref(), Ok("explicit.toml"));
}

#[test]
fn a_managed_one_is_the_only_one() {
    let mut fixture = Fixture::new();
    fixture.write("managed.toml", "");
    fixture.write("user.toml", "");
    fixture.write("explicit.toml", "");
    fixture.explicit("explicit.toml");
    assert_eq!(fixture.load().as_deref(), Ok("managed.toml"));
    fixture.write("managed.toml", "allow_user_config = false");
    assert_eq!(fixture.load().as_deref(), Ok("managed.toml"));
}

#[test]
fn a_managed_one_can_allow_the_users() {
    let mut fixture = Fixture::new();
    fixture.write("managed.toml", "allow_user_config = true");
    assert_eq!(fixture.load().as_deref(), Ok("managed.toml"));
    // Accepted in a user's file, so that `config check` can check a managed one anywhere.
    fixture.write("user.toml", "allow_user_config = false");
    assert_eq!(fixture.load().as_deref(), Ok("user.toml"));
    fixture.write("explicit.toml", "");
    fixture.explicit("explicit.toml");
    assert_eq!(fixture.load().as_deref(), Ok("explicit.toml"));
}

#[test]
fn an_unusable_managed_one_is_an_error_and_not_skipped() {
    let fixture = Fixture::new();
    fixture.write("user.toml", "");

    fixture.write("managed.toml", "");
    fixture.chmod("managed.toml", 0o666);
    assert_eq!(
        fixture.load().unwrap_err(),
        "'managed.toml' is not trusted: 'managed.toml' is writable by others (mode 0666)"
    );

    fixture.write("managed.toml", "deamon = 1");
    assert_eq!(
        fixture.load().unwrap_err(),
        "managed.toml:2:1: unknown key 'deamon'; did you mean 'daemon'?"
    );

    fs::remove_file(fixture.path("managed.toml")).unwrap();
    symlink("nowhere", fixture.path("managed.toml")).unwrap();
    assert_eq!(
        fixture.load().unwrap_err(),
        "cannot read 'managed.toml': No such file or directory (os error 2)"
    );

    fs::remove_file(fixture.path("managed.toml")).unwrap();
    fs::create_dir(fixture.path("managed.toml")).unwrap();
    fixture.chmod("managed.toml", 0o755);
    assert_eq!(
        fixture.load().unwrap_err(),
        "cannot read 'managed.toml': not a regular file"
    );
}

#[test]
fn a_user_one_that_others_can_write_is_not_trusted() {
    let fixture = Fixture::new();
    fixture.write("user.toml", "");
    fixture.chmod("user.toml", 0o664);
    let error = load(&fixture.locations).unwrap_err();
    assert!(matches!(error, ConfigError::Untrusted { .. }), "{error}");
    assert_eq!(
        error.hint(),
        format!("chmod go-w '{}'", fixture.path("user.toml").display())
    );
}

#[test]
fn text_of_bounded_length_is_read() {
    let fixture = Fixture::new();
    fs::write(fixture.path("user.toml"), [0xff]).unwrap();
    assert_eq!(
        fixture.load().unwrap_err(),
        "cannot read 'user.toml': not UTF-8"
    );
    fs::write(fixture.path("user.toml"), vec![b' '; (1 << 20) + 1]).unwrap();
    assert_eq!(
        fixture.load().unwrap_err(),
        "cannot read 'user.toml': larger than 1048576 bytes"
    );
}

#[test]
fn only_an_administrator_can_correct_the_managed_one() {
    let fixture = Fixture::new();
    fixture.write("managed.toml", "");
    let config = load(&fixture.locations).unwrap();
    assert_eq!(
        config.ask_administrator().as_deref(),
        Some("ask your administrator")
    );

    fixture.write("managed.toml", "colour = 1");
    let path = fixture.path("managed.toml");
    let hint = || load(&fixture.locations).unwrap_err().hint();
    assert_eq!(
        hint(),
        format!("ask your administrator to correct '{}'", path.display())
    );
    fixture.chmod("managed.toml", 0o666);
    assert_eq!(
        hint(),
        format!(
            "ask your administrator to let only root own and write '{}'",
            path.display()
        )
    );

    fs::remove_file(path).unwrap();
    fixture.write("user.toml", "");
    let config = load(&fixture.locations).unwrap();
    assert_eq!(config.ask_administrator(), None);
}
