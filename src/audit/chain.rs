//! The chain: each line contains the hash of the line before it.
//!
//! Pure. A line starts with `{"prev":"…","seq":N,`; its hash is that of its bytes in the file,
//! without the line break, so nothing is serialized again to verify it.

use std::{fmt, str::FromStr};

use serde::Deserialize;

use super::{
    hash::Hash,
    record::{LOG, RECOVERED, ROTATED, Record, Word},
};
use crate::logging;

/// The longest line in bytes, without the line break. Messages and paths are far shorter.
pub(crate) const MAX_LINE: usize = 64 * 1024;

/// The longest text of one field in bytes: a server's words or a path could otherwise make a line
/// that is too long. Escaped, each byte takes at most six.
const MAX_TEXT: usize = 2048;

/// The last line of a chain: its number and its hash. `Display` is `SEQ:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its number; the first line has 1.
    pub(crate) seq: u64,
    /// Its hash.
    pub(crate) hash: Hash,
}

impl Head {
    /// Before the first line.
    pub(crate) const START: Self = Self {
        seq: 0,
        hash: Hash::NONE,
    };

    /// The line with `record` after this one, without a line break, and the head that it is.
    #[must_use]
    pub(crate) fn followed_by(&self, record: &Record) -> (String, Self) {
        let seq = self.seq.saturating_add(1);
        let line = format!(r#"{{"prev":"{}","seq":{seq},{}"#, self.hash, body(record));
        let hash = Hash::of(line.as_bytes());
        (line, Self { seq, hash })
    }
}

/// The fields of `record`, as they follow the first ones.
fn body(record: &Record) -> String {
    let json = serde_json::to_string(&shortened(record));
    // Only a map with keys that are no strings, or a failing implementation, cannot be serialized.
    let json = json.unwrap_or_else(|_| r#"{"event":"log","outcome":"unserializable"}"#.to_owned());
    logging::visible_json(&json)[1..].to_owned()
}

/// `record` with texts of a bounded length.
fn shortened(record: &Record) -> Record {
    let mut record = record.clone();
    let texts = [
        &mut record.user,
        &mut record.profile,
        &mut record.source,
        &mut record.executable,
        &mut record.message,
        &mut record.file,
    ];
    for text in texts.into_iter().flatten() {
        if text.len() > MAX_TEXT {
            text.truncate(text.floor_char_boundary(MAX_TEXT));
            text.push('…');
        }
    }
    record
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once(':');
        let parsed = parts.and_then(|(seq, hash)| {
            let seq = seq.parse().ok()?;
            let hash = hash.parse().ok()?;
            Some(Self { seq, hash })
        });
        parsed.ok_or("expected SEQ:HASH, a number and 64 hex digits")
    }
}

/// What the chain needs of a line.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    /// The hash of the line before it.
    pub(super) prev: Hash,
    /// Its number.
    pub(super) seq: u64,
    event: Word,
    outcome: Word,
    torn: Option<Hash>,
    previous_files: Option<u32>,
}

impl Link {
    /// The link in `line`; `None` if that is not a record.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// The number of files before the one that it starts, if it continues the log in a new file.
    pub(super) fn previous_files(&self) -> Option<u32> {
        let is_rotation = self.event == LOG && self.outcome == ROTATED;
        self.previous_files.filter(|_| is_rotation)
    }

    /// The hash of the line before it, if it says that a crash cut that one.
    pub(super) fn torn(&self) -> Option<Hash> {
        let is_recovery = self.event == LOG && self.outcome == RECOVERED;
        self.torn.filter(|_| is_recovery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn record() -> Record {
        Record {
            profile: Some("a\n\u{202e}\u{9b}\"b".to_owned()),
            ..Record::new(Timestamp::UNIX_EPOCH, "grant", "served")
        }
    }

    #[test]
    fn a_line_contains_the_hash_of_the_bytes_before_it() {
        let (first, head) = Head::START.followed_by(&record());
        assert!(
            first.starts_with(&format!(
                r#"{{"prev":"{}","seq":1,"time":"1970-01-01T00:00:00.000Z","event":"grant","#,
                "0".repeat(64)
            )),
            "{first}"
        );
        assert_eq!(head.hash, Hash::of(first.as_bytes()));
        let (second, head) = head.followed_by(&record());
        let link = Link::of(second.as_bytes()).unwrap();
        assert_eq!((link.prev, link.seq), (Hash::of(first.as_bytes()), 2));
        assert_eq!(head.to_string().parse(), Ok(head));
        for wrong in ["", "1", "1:", "x:y", &format!("-1:{}", head.hash)] {
            assert!(wrong.parse::<Head>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_line_is_short_visible_and_reads_as_its_record() {
        let (line, _) = Head::START.followed_by(&record());
        assert!(!line.contains(['\n', '\u{202e}', '\u{9b}']), "{line}");
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record());
        let long = Record {
            message: Some("\u{1b}é".repeat(100_000)),
            executable: Some("\u{9b}".repeat(100_000)),
            ..record()
        };
        let (line, _) = Head::START.followed_by(&long);
        assert!(line.len() <= MAX_LINE, "{}", line.len());
        assert!(Link::of(line.as_bytes()).is_some());
    }
}
