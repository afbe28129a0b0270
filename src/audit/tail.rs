//! The end of a log's file, as a daemon finds it that goes on with it.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

use super::{
    chain::{Head, Link, MAX_LINE},
    hash::Hash,
    record::Record,
};

/// How much of a file is looked at: at least one line, and one that is not a record.
const LEN: u64 = 4 * MAX_LINE as u64;

/// The end of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// The last record; `None` if there is none.
    pub(super) last: Option<Head>,
    /// What a crash has left after it.
    pub(super) rest: Rest,
}

/// What comes after the last line break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing.
    Nothing,
    /// The last record, which lacks only its line break.
    Record,
    /// A part of a record, with this hash.
    Part(Hash),
}

impl Tail {
    /// Reads the end of `file`.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(super) fn of(file: &mut File) -> io::Result<Self> {
        Ok(Self::in_bytes(&last_bytes(file)?))
    }

    pub(super) fn in_bytes(bytes: &[u8]) -> Self {
        let mut lines = bytes.rsplit(|byte| *byte == b'\n');
        let head = |line: &[u8]| {
            let seq = Link::of(line)?.seq;
            let hash = Hash::of(line);
            Some(Head { seq, hash })
        };
        let rest = lines.next().unwrap_or_default();
        if let Some(last) = head(rest) {
            return Self {
                last: Some(last),
                rest: Rest::Record,
            };
        }
        Self {
            last: lines.find_map(head),
            rest: match rest.is_empty() {
                true => Rest::Nothing,
                false => Rest::Part(Hash::of(rest)),
            },
        }
    }
}

/// The largest counter of a central policy in the records at the end of `file`.
///
/// # Errors
///
/// The system's error.
pub(super) fn last_policy(file: &mut File) -> io::Result<Option<u64>> {
    Ok(policy_in(&last_bytes(file)?))
}

fn policy_in(bytes: &[u8]) -> Option<u64> {
    let lines = bytes.split(|byte| *byte == b'\n');
    let records = lines.filter_map(|line| serde_json::from_slice::<Record>(line).ok());
    records.filter_map(|record| record.policy).max()
}

fn last_bytes(file: &mut File) -> io::Result<Vec<u8>> {
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(LEN)))?;
    let mut bytes = Vec::new();
    file.take(LEN).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_a_record_a_part_of_one_or_nothing() {
        let (first, one) = Head::START.followed_by(&Record::default());
        let (second, two) = one.followed_by(&Record::default());
        let tail = |text: String| Tail::in_bytes(text.as_bytes());
        let of = |last, rest| Tail { last, rest };
        assert_eq!(tail(String::new()), of(None, Rest::Nothing));
        assert_eq!(tail(format!("{first}\n")), of(Some(one), Rest::Nothing));
        assert_eq!(
            tail(format!("{first}\n{second}")),
            of(Some(two), Rest::Record)
        );
        let part = &second[..second.len() - 1];
        let rest = Rest::Part(Hash::of(part.as_bytes()));
        assert_eq!(tail(format!("{first}\n{part}")), of(Some(one), rest));
        assert_eq!(
            tail(format!("{first}\ngarbage\n")),
            of(Some(one), Rest::Nothing)
        );
        assert_eq!(tail("garbage\n".to_owned()), of(None, Rest::Nothing));
    }

    #[test]
    fn the_last_policy_is_the_largest_counter_of_the_last_records() {
        let line = |policy| {
            let record = Record {
                policy,
                ..Record::default()
            };
            Head::START.followed_by(&record).0
        };
        assert_eq!(policy_in(b""), None);
        let text = [
            line(Some(41)),
            line(Some(42)),
            line(None),
            "garbage".to_owned(),
        ];
        assert_eq!(policy_in(text.join("\n").as_bytes()), Some(42));
        assert_eq!(policy_in(text[2..].join("\n").as_bytes()), None);
    }
}
