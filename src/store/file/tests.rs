//! Sealed files against crashes, other writers, other machines and other users.

use std::fs;

use super::*;
use crate::store::conformance::{self, key};

/// A store in a temporary state directory.
struct Fixture {
    store: FileStore,
    state: PathBuf,
    _temp: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let state = temp.path().canonicalize().unwrap().join("state");
        Self {
            store: FileStore::on(state.clone(), "this machine".to_owned()),
            state,
            _temp: temp,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.state.join(DIRECTORY).join(name)
    }

    /// The file of the login of `key`.
    fn login(&self, key: &StoreKey) -> PathBuf {
        self.path(&file_name(&self.store.files.context(key)))
    }

    async fn put(&self, text: &str) -> Result<(), StoreError> {
        self.store.put(&key(), &secret(text)).await
    }

    async fn get(&self) -> Result<Option<Secret>, StoreError> {
        self.store.get(&key()).await
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn other_key() -> StoreKey {
    StoreKey {
        source: "other".to_owned(),
        ..key()
    }
}

#[tokio::test]
async fn it_conforms() {
    let fixture = Fixture::new();
    conformance::check(&fixture.store).await;
    let mut names: Vec<_> = fs::read_dir(fixture.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, [LOCK, SEALING_KEY], "nothing else is left");
}

#[tokio::test]
async fn a_file_contains_nothing_of_its_secret() {
    let fixture = Fixture::new();
    fixture.put("refresh-token").await.unwrap();
    let bytes = fs::read(fixture.login(&key())).unwrap();
    assert!(!bytes.windows(7).any(|part| part == b"refresh"));
}

#[tokio::test]
async fn what_a_crash_leaves_at_any_step_is_no_obstacle() {
    let fixture = Fixture::new();
    let new = |name: &Path| PathBuf::from(format!("{}.new", name.display()));
    // Before the first login, while the sealing key is written.
    fixture.put("").await.unwrap();
    fs::remove_file(fixture.login(&key())).unwrap();
    fs::rename(fixture.path(SEALING_KEY), new(&fixture.path(SEALING_KEY))).unwrap();
    assert_eq!(fixture.get().await, Ok(None));
    fixture.put("old").await.unwrap();
    assert_eq!(fixture.get().await, Ok(Some(secret("old"))));
    // While a login is replaced: before, within and after its new content.
    let login = fixture.login(&key());
    let complete = fs::read(&login).unwrap();
    for len in [0, 20, complete.len()] {
        fs::write(new(&login), &complete[..len]).unwrap();
        assert_eq!(fixture.get().await, Ok(Some(secret("old"))));
        fixture.put("old").await.unwrap();
        assert!(!new(&login).exists());
    }
    fs::write(new(&login), &complete).unwrap();
    fixture.store.delete(&key()).await.unwrap();
    assert!(!new(&login).exists(), "a logout leaves no copy");
}

#[tokio::test]
async fn a_failed_write_leaves_the_old_secret() {
    let fixture = Fixture::new();
    fixture.put("old").await.unwrap();
    // A file that cannot be removed: the new content has no place.
    let login = fixture.login(&key());
    fs::create_dir(format!("{}.new", login.display())).unwrap();
    let error = fixture.put("new").await.unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert_eq!(fixture.get().await, Ok(Some(secret("old"))));
}

#[tokio::test]
async fn two_writers_at_once_leave_one_of_their_secrets_and_one_sealing_key() {
    let fixture = Fixture::new();
    let machine = || "this machine".to_owned();
    let writers = ["a", "b", "c", "d"].map(|text| {
        let store = FileStore::on(fixture.state.clone(), machine());
        let long = text.repeat(20_000);
        tokio::spawn(async move {
            for _ in 0..5 {
                store.put(&key(), &secret(&long)).await.unwrap();
                let read = store.get(&key()).await.unwrap().unwrap();
                assert_eq!(read.expose().len(), 20_000);
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    fixture.store.delete(&key()).await.unwrap();
}

#[tokio::test]
async fn a_file_of_another_login_or_machine_does_not_open_and_is_kept() {
    let fixture = Fixture::new();
    fixture.put("mine").await.unwrap();
    let (mine, others) = (fixture.login(&key()), fixture.login(&other_key()));
    fs::copy(&mine, &others).unwrap();
    let error = fixture.store.get(&other_key()).await.unwrap_err();
    assert!(error.to_string().starts_with(&quoted(&others)), "{error}");
    assert!(error.hint().contains(&quoted(&others)));
    assert_eq!(fs::read(&mine).unwrap(), fs::read(&others).unwrap());

    let copy = FileStore::on(fixture.state.clone(), "another machine".to_owned());
    assert_eq!(copy.get(&key()).await, Ok(None), "a login of its own");
    let there = file_name(&copy.files.context(&key()));
    fs::copy(&mine, fixture.path(&there)).unwrap();
    let error = copy.get(&key()).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_file_or_key_is_named_and_kept() {
    let fixture = Fixture::new();
    fixture.put("token").await.unwrap();
    for path in [fixture.login(&key()), fixture.path(SEALING_KEY)] {
        let complete = fs::read(&path).unwrap();
        for len in [0, complete.len() / 2, complete.len() - 1] {
            fs::write(&path, &complete[..len]).unwrap();
            let error = fixture.get().await.unwrap_err();
            assert!(error.to_string().starts_with(&quoted(&path)), "{error}");
            assert_eq!(fs::read(&path).unwrap(), complete[..len]);
        }
        fs::write(&path, &complete).unwrap();
    }
    assert_eq!(fixture.get().await, Ok(Some(secret("token"))));

    fs::write(fixture.path(SEALING_KEY), "short").unwrap();
    fixture.put("new").await.unwrap_err();
    fs::remove_file(fixture.path(SEALING_KEY)).unwrap();
    let error = fixture.get().await.unwrap_err().to_string();
    assert!(error.contains("sealing key is missing"), "{error}");
    // A new login heals it.
    fixture.put("new").await.unwrap();
    assert_eq!(fixture.get().await, Ok(Some(secret("new"))));
}

#[cfg(unix)]
#[tokio::test]
async fn what_others_could_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let fixture = Fixture::new();
    fixture.put("token").await.unwrap();
    let chmod = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in [
        fixture.path(""),
        fixture.login(&key()),
        fixture.path(SEALING_KEY),
    ] {
        let mode = fs::metadata(&name).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "as it is made");
        for wrong in [mode | 0o040, mode | 0o004, mode | 0o020] {
            chmod(&name, wrong);
            let error = fixture.get().await.unwrap_err();
            assert!(matches!(error, StoreError::Denied { .. }), "{error}");
            assert!(!error.hint().contains("chmod"), "{}", error.hint());
        }
        chmod(&name, mode);
    }
    let login = fixture.login(&key());
    let elsewhere = fixture.state.join("elsewhere");
    fs::rename(&login, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &login).unwrap();
    fixture.get().await.unwrap_err();
}
