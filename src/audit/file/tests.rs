use std::{
    fs,
    path::{Path, PathBuf},
};

use super::*;
use crate::audit::{
    read,
    verify::{Expected, Note, Verdict},
};

/// A log in a temporary directory.
struct Fixture {
    settings: Settings,
    _temp: tempfile::TempDir,
}

impl Fixture {
    fn new(max_len: u64, keep: u32) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let settings = Settings {
            directory: temp.path().join("state"),
            names: Names::new(None),
            group: None,
            max_len,
            keep,
            journal: false,
            syslog: false,
        };
        Self {
            settings,
            _temp: temp,
        }
    }

    fn open(&self) -> AuditFile {
        AuditFile::open(&self.settings, || panic!("another daemon writes")).unwrap()
    }

    fn path(&self) -> PathBuf {
        self.settings.directory.join(self.settings.names.log())
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        read::files(&self.settings.directory, &self.settings.names).unwrap()
    }

    /// Verifies the log, up to the head that it notes.
    fn verdict(&self) -> Verdict {
        let Settings {
            directory, names, ..
        } = &self.settings;
        let head = read::noted_head(directory, names);
        let expected = Expected {
            is_part: false,
            heads: head.as_slice(),
        };
        read::verify(&self.files(), expected).unwrap()
    }

    fn is_whole(&self) -> Verdict {
        let verdict = self.verdict();
        assert_eq!(verdict.problems, [], "{}", self.text());
        assert!(verdict.has_known_end);
        verdict
    }
}

fn record() -> Record {
    Record::new(Timestamp::UNIX_EPOCH, "grant", "served")
}

fn append(log: &mut AuditFile, count: usize) {
    for _ in 0..count {
        log.append(&record()).unwrap();
    }
}

fn cut(path: &Path, bytes: u64) {
    let file = File::options().write(true).open(path).unwrap();
    let len = file.metadata().unwrap().len();
    file.set_len(len - bytes).unwrap();
}

#[test]
fn the_chain_goes_on_after_a_restart() {
    let fixture = Fixture::new(1 << 20, 3);
    append(&mut fixture.open(), 2);
    append(&mut fixture.open(), 3);
    assert_eq!(fixture.is_whole().records, 5);
    assert_eq!(fixture.text().lines().count(), 5);
}

#[test]
fn a_rotation_keeps_the_chain_and_some_files() {
    let fixture = Fixture::new(1000, 3);
    append(&mut fixture.open(), 8);
    let all = fixture.is_whole();
    assert!(fixture.files().len() > 1);
    assert_eq!(all.notes, []);
    for _ in 0..4 {
        let before = fixture.is_whole().head.unwrap().seq;
        append(&mut fixture.open(), 10);
        let added = fixture.is_whole().head.unwrap().seq - before;
        assert!(added > 10, "with the records of rotations: {added}");
    }
    assert_eq!(fixture.files().len(), 4);
    for file in fixture.files() {
        assert!(
            fs::metadata(&file).unwrap().len() <= 1000,
            "{}",
            file.display()
        );
    }
    assert!(matches!(fixture.is_whole().notes[..], [Note::StartsAt(_)]));

    // A smaller number of files, from the next rotation on.
    let fewer = Fixture {
        settings: Settings {
            keep: 1,
            ..fixture.settings.clone()
        },
        ..fixture
    };
    append(&mut fewer.open(), 10);
    assert_eq!(fewer.files().len(), 2);
    fewer.is_whole();
}

#[test]
fn an_older_file_that_is_missing_is_found() {
    let fixture = Fixture::new(1000, 5);
    append(&mut fixture.open(), 20);
    let files = fixture.files();
    assert!(files.len() > 3);
    fs::remove_file(&files[0]).unwrap();
    let problems = fixture.verdict().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].kind.name(), "files-missing");
    fs::remove_file(&files[2]).unwrap();
    let names = fixture.verdict().problems;
    assert!(
        names.iter().any(|problem| problem.kind.name() == "deleted"),
        "{names:?}"
    );
}

#[test]
fn a_crash_between_the_steps_of_a_rotation_loses_nothing() {
    let fixture = Fixture::new(1000, 3);
    append(&mut fixture.open(), 3);
    let older = fixture
        .settings
        .directory
        .join(fixture.settings.names.older(1));
    fs::rename(fixture.path(), older).unwrap();
    append(&mut fixture.open(), 1);
    let verdict = fixture.is_whole();
    assert_eq!(verdict.records, 5);
    assert!(
        fixture
            .text()
            .contains(r#""outcome":"rotated","previous_files":1"#)
    );
}

#[test]
fn a_line_that_a_crash_has_cut_is_closed_by_a_record() {
    let len = {
        let fixture = Fixture::new(1 << 20, 3);
        append(&mut fixture.open(), 3);
        fixture.text().lines().last().unwrap().len()
    };
    for missing in 1..=len {
        let fixture = Fixture::new(1 << 20, 3);
        append(&mut fixture.open(), 2);
        let before = fs::read(fixture.settings.directory.join("audit.head")).unwrap();
        append(&mut fixture.open(), 1);
        // As a process leaves it that is killed in the midst of write(2), before the head.
        fs::write(fixture.settings.directory.join("audit.head"), before).unwrap();
        cut(&fixture.path(), missing as u64);
        append(&mut fixture.open(), 1);
        let verdict = fixture.is_whole();
        let is_record = missing == 1;
        assert_eq!(verdict.notes.len(), usize::from(!is_record), "{missing}");
        assert_eq!(verdict.records, 4, "{missing}");
        assert_eq!(fixture.text().contains(RECOVERED), !is_record, "{missing}");
    }
}

#[test]
fn an_end_that_was_removed_is_found_before_and_after_the_next_start() {
    let fixture = Fixture::new(1 << 20, 3);
    append(&mut fixture.open(), 5);
    let line = fixture.text().lines().last().unwrap().len() as u64 + 1;
    cut(&fixture.path(), 2 * line);
    let name = |verdict: &Verdict| verdict.problems[0].kind.to_string();
    assert_eq!(
        name(&fixture.verdict()),
        "records 4 to 5 are missing after it"
    );
    append(&mut fixture.open(), 1);
    let verdict = fixture.verdict();
    assert_eq!(verdict.problems.len(), 1, "{verdict:?}");
    assert_eq!(name(&verdict), "records 4 to 5 are missing before it");
    assert_eq!(verdict.problems[0].place.line, 4);
}

#[test]
fn a_file_that_is_removed_while_it_is_written_is_missed() {
    let fixture = Fixture::new(1 << 20, 3);
    let mut log = fixture.open();
    append(&mut log, 3);
    fs::remove_file(fixture.path()).unwrap();
    append(&mut log, 2);
    let problems = fixture.verdict().problems;
    let kinds: Vec<_> = problems
        .iter()
        .map(|problem| problem.kind.to_string())
        .collect();
    assert_eq!(kinds, ["records 1 to 3 are missing before it"]);
    assert_eq!(fixture.text().lines().count(), 2);
}

#[test]
fn a_second_daemon_waits_for_the_first() {
    let fixture = Fixture::new(1 << 20, 3);
    let mut first = fixture.open();
    append(&mut first, 1);
    let settings = fixture.settings.clone();
    let (waits, waiting) = std::sync::mpsc::channel();
    let second = std::thread::spawn(move || {
        let waits = || waits.send(()).unwrap();
        append(&mut AuditFile::open(&settings, waits).unwrap(), 1);
    });
    waiting.recv().unwrap();
    append(&mut first, 1);
    drop(first);
    second.join().unwrap();
    assert_eq!(fixture.is_whole().records, 3);
}

#[test]
#[cfg(unix)]
fn the_files_are_the_users_alone_and_no_link_is_followed() {
    use std::os::unix::fs::PermissionsExt as _;

    let fixture = Fixture::new(1 << 20, 3);
    append(&mut fixture.open(), 1);
    for name in ["audit.log", "audit.head", "audit.lock"] {
        let found = fs::metadata(fixture.settings.directory.join(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, 0o600, "{name}");
    }
    let victim = fixture.settings.directory.join("victim");
    fs::rename(fixture.path(), &victim).unwrap();
    std::os::unix::fs::symlink(&victim, fixture.path()).unwrap();
    let error = AuditFile::open(&fixture.settings, || {})
        .unwrap_err()
        .to_string();
    assert!(error.contains("is a symbolic link"), "{error}");
}

#[test]
fn an_unknown_group_is_an_error() {
    let fixture = Fixture::new(1 << 20, 3);
    let settings = Settings {
        group: Some("no-such-group".to_owned()),
        ..fixture.settings.clone()
    };
    let error = AuditFile::open(&settings, || {}).unwrap_err().to_string();
    assert!(error.contains("no group 'no-such-group'"), "{error}");
}
