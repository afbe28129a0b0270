use std::{fs, path::PathBuf};

use super::*;
use crate::{
    audit::{
        read,
        settings::Names,
        verify::{Expected, Verdict},
    },
    clock::Timestamp,
};

struct Fixture {
    audit: Audit,
    settings: Settings,
    _temp: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        Self {
            audit: Audit::start(Some("ana".to_owned())),
            settings: Settings {
                directory: temp.path().join("state"),
                names: Names::new(None),
                group: None,
                max_len: 1 << 20,
                keep: 3,
                journal: false,
                syslog: false,
            },
            _temp: temp,
        }
    }

    fn configure(&self) {
        self.audit.configure(Some(self.settings.clone()));
    }

    fn record(&self, count: usize) {
        for _ in 0..count {
            self.audit
                .record(Record::new(Timestamp::UNIX_EPOCH, "grant", "served"));
        }
    }

    /// Waits until `is_so`.
    fn wait(&self, is_so: impl Fn(&AuditStatus) -> bool) -> AuditStatus {
        loop {
            let status = self.audit.status();
            if is_so(&status) {
                return status;
            }
            thread::yield_now();
        }
    }

    fn log(&self) -> PathBuf {
        self.settings.directory.join("audit.log")
    }

    fn verdict(&self) -> Verdict {
        let files = read::files(&self.settings.directory, &self.settings.names).unwrap();
        let verdict = read::verify(&files, Expected::default()).unwrap();
        assert_eq!(verdict.problems, []);
        verdict
    }
}

#[test]
fn records_wait_for_the_configuration_and_are_written_at_the_end() {
    let fixture = Fixture::new();
    fixture.record(3);
    fixture.configure();
    fixture.record(4);
    fixture.audit.finish();
    let status = fixture.audit.status();
    assert_eq!((status.written, status.lost, status.error), (7, 0, None));
    assert_eq!(fixture.verdict().records, 7);
    let text = fs::read_to_string(fixture.log()).unwrap();
    assert_eq!(text.matches(r#""user":"ana""#).count(), 7);
    fixture.record(1);
    fixture.audit.finish();
    assert_eq!(fixture.verdict().records, 7);
}

#[test]
fn without_a_log_nothing_is_written_and_nothing_lost() {
    let fixture = Fixture::new();
    fixture.audit.configure(None);
    fixture.record(3);
    fixture.audit.finish();
    assert_eq!(fixture.audit.status(), AuditStatus::default());
    assert!(!fixture.settings.directory.exists());
    Audit::off().record(Record::default());
}

#[test]
fn lost_records_are_counted_and_the_log_says_how_many() {
    let fixture = Fixture::new();
    fixture.configure();
    fixture.record(2);
    fixture.wait(|status| status.written == 2);
    // A directory has the log's name.
    let away = fixture.settings.directory.join("away");
    fs::rename(fixture.log(), &away).unwrap();
    fs::create_dir(fixture.log()).unwrap();
    fixture.record(5);
    let status = fixture.wait(|status| status.lost == 5);
    let error = status.error.unwrap();
    assert!(error.contains("audit.log"), "{error}");
    fs::remove_dir(fixture.log()).unwrap();
    fs::rename(&away, fixture.log()).unwrap();
    fixture.record(1);
    let status = fixture.wait(|status| status.written == 3);
    assert_eq!((status.lost, status.error), (5, None));
    assert_eq!(fixture.verdict().records, 4);
    let text = fs::read_to_string(fixture.log()).unwrap();
    assert!(
        text.contains(r#""event":"log","outcome":"gap","lost":5"#),
        "{text}"
    );
}

#[test]
fn a_queue_that_is_full_loses_records_and_never_waits() {
    let (sender, receiver) = sync_channel(2);
    let audit = Audit {
        queue: Mutex::new(Some(sender)),
        ..Audit::off()
    };
    for _ in 0..5 {
        audit.record(Record::default());
    }
    let status = audit.status();
    assert_eq!(status.lost, 3);
    assert_eq!(status.error.as_deref(), Some("the disk does not keep up"));
    drop(receiver);
}

#[test]
fn new_settings_for_a_full_queue_are_not_waited_for_and_count_at_the_next_message() {
    let fixture = Fixture::new();
    let (sender, receiver) = sync_channel(1);
    let audit = Audit {
        queue: Mutex::new(Some(sender)),
        ..Audit::off()
    };
    audit.configure(None);
    audit.configure(Some(fixture.settings.clone()));
    let writer = Writer::new(Arc::clone(&audit.state));
    let deferred = Arc::clone(&audit.deferred);
    let thread = thread::spawn(move || writer.run(&receiver, &deferred));
    // The older ones, which were in the queue, do not replace them.
    while audit.status().written == 0 {
        audit.record(Record::default());
        thread::yield_now();
    }
    drop(audit.queue.lock().unwrap().take());
    thread.join().unwrap();
    assert!(fixture.verdict().records > 0);
}

#[test]
fn new_settings_take_effect_between_two_records() {
    let fixture = Fixture::new();
    fixture.configure();
    fixture.record(2);
    let other = fixture.settings.directory.join("other");
    fixture.audit.configure(Some(Settings {
        directory: other.clone(),
        ..fixture.settings.clone()
    }));
    fixture.record(3);
    fixture.audit.finish();
    let lines = |path: PathBuf| fs::read_to_string(path).unwrap().lines().count();
    assert_eq!(
        (lines(fixture.log()), lines(other.join("audit.log"))),
        (2, 3)
    );
}
