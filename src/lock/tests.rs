use std::{fs, path::PathBuf, sync::Arc};

use super::*;

struct Scene {
    directory: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn state_dir(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    fn file(&self) -> PathBuf {
        self.state_dir().join("lock.json")
    }

    /// The lock of a daemon that starts.
    fn open(&self) -> Lock {
        Lock::open(&self.state_dir(), "")
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn by_command(second: i64) -> Locked {
    Locked {
        since: Some(at(second)),
        reason: LockReason::Command,
    }
}

#[tokio::test]
async fn a_lock_survives_its_daemon_until_it_is_turned_off() {
    let scene = Scene::new();
    let lock = scene.open();
    assert_eq!(lock.current(), None);
    assert!(!scene.state_dir().exists(), "nothing is made to look");
    assert_eq!(lock.turn_on(at(1_800_000_000)).await, None);
    assert_eq!(lock.unsaved(), None);
    for _ in 0..2 {
        let next = scene.open();
        assert_eq!(next.current(), Some(by_command(1_800_000_000)));
        // A second one changes nothing.
        let before = next.turn_on(at(1_800_000_060)).await;
        assert_eq!(before, Some(by_command(1_800_000_000)));
    }
    let next = scene.open();
    assert_eq!(next.turn_off().await, Some(by_command(1_800_000_000)));
    assert_eq!(next.turn_off().await, None);
    assert!(!scene.file().exists());
    assert_eq!(scene.open().current(), None);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new();
    scene.open().turn_on(at(0)).await;
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scene.file()), 0o600);
    assert_eq!(mode(scene.state_dir()), 0o700);
}

#[tokio::test]
async fn a_daemon_on_another_socket_has_a_lock_of_its_own() {
    let scene = Scene::new();
    let other = || Lock::open(&scene.state_dir(), "/tmp/other.sock");
    other().turn_on(at(7)).await;
    assert_eq!(scene.open().current(), None);
    assert_eq!(other().current(), Some(by_command(7)));
    let third = Lock::open(&scene.state_dir(), "/tmp/third.sock");
    assert_eq!(third.current(), None);
}

/// Whatever is in the way is no reason to give keys.
#[tokio::test]
async fn a_file_that_is_not_a_lock_counts_as_one() {
    let good = r#"{"version":1,"locked_at":"2027-01-15T08:00:00Z"}"#;
    for broken in [
        "",
        "x",
        "{}",
        &good[..good.len() - 1],
        &good.replace('1', "2"),
        &good.replace('}', r#","until":"now"}"#),
        &" ".repeat(5000),
    ] {
        let scene = Scene::new();
        scene.open().turn_on(at(0)).await;
        fs::write(scene.file(), broken).unwrap();
        let lock = scene.open();
        let locked = lock.current().expect("a lock");
        assert!(
            matches!(locked.reason, LockReason::Unreadable(_)),
            "{broken}"
        );
        let text = locked.to_string();
        assert!(text.starts_with("locked, because the file '"), "{text}");
        assert!(text.contains("lock.json"), "{text}");
        lock.turn_off().await;
        assert_eq!((lock.current(), lock.unsaved()), (None, None));
        assert_eq!(scene.open().current(), None);
    }
    let scene = Scene::new();
    scene.open().turn_on(at(0)).await;
    fs::write(scene.file(), good).unwrap();
    assert_eq!(scene.open().current(), Some(by_command(1_800_000_000)));
}

#[tokio::test]
async fn turning_on_replaces_a_file_that_is_not_a_lock() {
    let scene = Scene::new();
    scene.open().turn_on(at(0)).await;
    fs::write(scene.file(), "x").unwrap();
    let lock = scene.open();
    assert!(lock.turn_on(at(60)).await.is_some());
    assert_eq!(lock.current(), Some(by_command(60)));
    assert_eq!(scene.open().current(), Some(by_command(60)));
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_place_of_the_file_counts_as_a_lock() {
    let scene = Scene::new();
    fs::create_dir(scene.state_dir()).unwrap();
    std::os::unix::fs::symlink("/nonexistent", scene.file()).unwrap();
    assert!(scene.open().current().is_some());
}

#[tokio::test]
async fn a_lock_that_cannot_be_saved_is_on_in_memory_and_says_so() {
    let scene = Scene::new();
    // A file in the directory's place.
    fs::write(scene.state_dir(), "").unwrap();
    let lock = scene.open();
    assert_eq!(lock.current(), None);
    lock.turn_on(at(5)).await;
    assert_eq!(lock.current(), Some(by_command(5)));
    let unsaved = lock.unsaved().expect("a reason");
    assert!(
        unsaved.contains("lock.json' cannot be written: "),
        "{unsaved}"
    );
    lock.turn_off().await;
    assert_eq!((lock.current(), lock.unsaved()), (None, None));
}

#[tokio::test]
async fn a_task_that_waits_for_the_lock_wakes_when_it_is_on() {
    let lock = Arc::new(Lock::in_memory());
    let waiting = tokio::spawn({
        let lock = Arc::clone(&lock);
        async move { lock.locked().await }
    });
    task::yield_now().await;
    assert!(!waiting.is_finished());
    lock.turn_on(at(9)).await;
    assert_eq!(waiting.await.unwrap(), by_command(9));
}

#[test]
fn a_lock_says_since_when() {
    assert_eq!(
        by_command(1_800_000_000).to_string(),
        "locked since 2027-01-15T08:00:00Z"
    );
}
