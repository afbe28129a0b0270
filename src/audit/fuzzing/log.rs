//! A log that is made of texts, as the daemon makes one.

use super::Files;
use crate::{
    audit::{
        chain::{Head, Link, MAX_LINE},
        hash::Hash,
        record::{LOG, RECOVERED, ROTATED, Record},
        verify::Place,
    },
    clock::Timestamp,
    hostile_input::assert_one_line,
};

/// The most lines of a log.
const MAX_LINES: usize = 24;

/// The events and outcomes of records.
const EVENTS: [(&str, &str); 5] = [
    ("grant", "served"),
    ("refusal", "denied"),
    ("change", "obtained"),
    ("login", "dropped"),
    ("log", "gap"),
];

/// The lines of a log.
#[derive(Clone)]
pub(super) struct Log {
    pub(super) lines: Vec<Line>,
    /// The last record.
    pub(super) head: Head,
}

/// A line.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) file: usize,
    pub(super) bytes: Vec<u8>,
    /// Its number; `None` if a crash has cut it.
    pub(super) seq: Option<u64>,
    /// Whether it has its line break.
    pub(super) has_end: bool,
    /// Whether it continues the log in a new file.
    pub(super) is_rotation: bool,
    /// Whether it explains the line before it, which a crash has cut.
    is_recovery: bool,
    /// The text that it is made of, as a number.
    pub(super) record: usize,
}

impl Line {
    /// Whether a crash has cut it.
    pub(super) fn is_cut(&self) -> bool {
        self.seq.is_none()
    }
}

impl Log {
    /// The log with a record for each line of `texts`.
    pub(super) fn of(texts: &[u8]) -> Self {
        Self::with_forged(texts, usize::MAX)
    }

    /// The same with another record in place of the one with this number.
    pub(super) fn with_forged(texts: &[u8], forged: usize) -> Self {
        let mut log = Self {
            lines: Vec::new(),
            head: Head::START,
        };
        if texts.is_empty() {
            return log;
        }
        for (number, text) in texts.split(|byte| *byte == b'\n').enumerate() {
            if log.lines.len() >= MAX_LINES {
                break;
            }
            let first = text.first().copied();
            let rest = String::from_utf8_lossy(text.get(1..).unwrap_or_default());
            match first {
                Some(b'|') if !log.lines.is_empty() => log.rotate(number),
                Some(b'!') => log.crash(&rest, number),
                _ => {
                    let mut record = record(first.unwrap_or_default(), &rest, number);
                    if number == forged {
                        record.pid = Some(u32::MAX);
                    }
                    log.append(&record, number);
                }
            }
        }
        log
    }

    /// The place of a line, or the one after the last line of the last file.
    pub(super) fn place(&self, at: usize) -> Place {
        let before = &self.lines[..at.min(self.lines.len())];
        let last = self.lines.last();
        let file = self.lines.get(at).or(last).map_or(0, |line| line.file);
        let line = before.iter().filter(|line| line.file == file).count() as u64 + 1;
        Place { file, line }
    }

    /// The place of the last line, or of the first one if there is none.
    pub(super) fn last_place(&self) -> Place {
        self.place(self.lines.len().saturating_sub(1))
    }

    /// The bytes of the files.
    pub(super) fn files(&self) -> Files {
        let count = self.lines.last().map_or(1, |line| line.file + 1);
        let mut files = vec![Vec::new(); count];
        for line in &self.lines {
            files[line.file].extend(&line.bytes);
            if line.has_end {
                files[line.file].push(b'\n');
            }
        }
        files
    }

    /// Whether the line was cut, or explains that, or one beside it was or does.
    pub(super) fn is_beside_cut(&self, at: usize) -> bool {
        let lines = &self.lines[at.saturating_sub(1)..(at + 2).min(self.lines.len())];
        lines.iter().any(|line| line.is_cut() || line.is_recovery)
    }

    /// As `audit::file` does.
    fn rotate(&mut self, number: usize) {
        let file = self.lines.last().map_or(0, |line| line.file + 1);
        let record = Record {
            previous_files: u32::try_from(file).ok(),
            ..Record::new(Timestamp::UNIX_EPOCH, LOG, ROTATED)
        };
        self.push(&record, file, number);
        self.flag(|line| line.is_rotation = true);
    }

    /// A part of the next line, and the record that explains it.
    fn crash(&mut self, text: &str, number: usize) {
        let (mut bytes, file) = (
            self.head
                .followed_by(&record(b'!', text, number))
                .0
                .into_bytes(),
            self.file(),
        );
        bytes.truncate(text.len() % (bytes.len() - 1) + 1);
        let torn = Some(Hash::of(&bytes));
        self.lines.push(Line {
            file,
            bytes,
            seq: None,
            has_end: true,
            is_rotation: false,
            is_recovery: false,
            record: number,
        });
        let record = Record {
            torn,
            ..Record::new(Timestamp::UNIX_EPOCH, LOG, RECOVERED)
        };
        self.push(&record, file, number);
        self.flag(|line| line.is_recovery = true);
    }

    fn append(&mut self, record: &Record, number: usize) {
        self.push(record, self.file(), number);
    }

    fn file(&self) -> usize {
        self.lines.last().map_or(0, |line| line.file)
    }

    fn flag(&mut self, set: impl FnOnce(&mut Line)) {
        if let Some(line) = self.lines.last_mut() {
            set(line);
        }
    }

    /// Asserts that the line of `record` is one, and reads as it.
    fn push(&mut self, record: &Record, file: usize, number: usize) {
        let (line, head) = self.head.followed_by(record);
        assert_one_line(&line);
        assert!(line.len() <= MAX_LINE, "{}", line.len());
        let link = Link::of(line.as_bytes());
        let link = link.map(|link| (link.prev, link.seq, link.torn(), link.previous_files()));
        let parts = (self.head.hash, head.seq, record.torn, record.previous_files);
        assert_eq!(link, Some(parts), "{line}");
        let read = serde_json::from_str::<Record>(&line);
        assert!(read.is_ok(), "{read:?}: {line}");
        let texts = |record: &Record| {
            [
                &record.profile,
                &record.user,
                &record.source,
                &record.message,
            ]
            .map(Option::clone)
        };
        let is_short = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= 2048);
        if let Ok(read) = &read
            && texts(record).iter().all(is_short)
        {
            assert_eq!(read, record);
        }
        self.lines.push(Line {
            file,
            bytes: line.into_bytes(),
            seq: Some(head.seq),
            has_end: true,
            is_rotation: false,
            is_recovery: false,
            record: number,
        });
        self.head = head;
    }
}

/// The record of a text: the first byte decides what happened.
fn record(first: u8, text: &str, number: usize) -> Record {
    let (event, outcome) = EVENTS[usize::from(first) % EVENTS.len()];
    let mut texts = text.split(',').map(|text| Some(text.to_owned()));
    let mut next = || texts.next().flatten();
    Record {
        profile: next(),
        user: next(),
        source: next(),
        executable: next().filter(|text| text.len() <= 2048),
        message: next(),
        client: next().map(Into::into),
        reason: next().filter(|text| text.len() <= 2048).map(Into::into),
        // Two records are never equal.
        started: Some(number as u64),
        ..Record::new(Timestamp::UNIX_EPOCH, event, outcome)
    }
}
