//! What holds for any bytes.

use std::{collections::BTreeMap, io::BufReader};

use super::{Files, verdict, verdict_in_parts};
use crate::audit::{
    chain::{Head, Link, MAX_LINE},
    hash::Hash,
    lines::Lines,
    tail::{Rest, Tail},
    verify::{Expected, LineOf, Note, Place, Problem, ProblemKind, Verdict},
};

/// The most problems of a verdict.
const MAX_PROBLEMS: usize = 100;

/// Asserts what holds for `files`; returns what is found in them.
pub(super) fn check(files: &Files) -> Verdict {
    let lines: Vec<Vec<LineOf<'_>>> = files.iter().map(|bytes| lines_of(bytes)).collect();
    for (bytes, lines) in files.iter().zip(&lines) {
        // A byte at a time takes too long for long texts.
        for len in [1 + bytes.len() / 1000, 8192] {
            assert_read_as(bytes, lines, len);
        }
        assert_tail(bytes);
    }
    let part = Expected {
        is_part: true,
        heads: &[],
    };
    let found = verdict(files, part);
    assert_eq!(found.problems.is_empty(), is_chain(&lines), "{found:?}");
    let part_len = 5 + files.iter().map(Vec::len).sum::<usize>() / 1000;
    for expected in [part, Expected::default()] {
        let whole = verdict(files, expected);
        assert_eq!(verdict_in_parts(files, expected, part_len), whole);
        assert_sound(&whole, &lines);
    }
    assert_heads(files, &found);
    verdict(files, Expected::default())
}

/// The lines of a file, found in its whole.
fn lines_of(bytes: &[u8]) -> Vec<LineOf<'_>> {
    let mut parts: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    let rest = parts.pop().unwrap_or_default();
    let line = |bytes, is_whole| match (is_whole, <[u8]>::len(bytes) > MAX_LINE) {
        (_, true) => LineOf::TooLong,
        (true, _) => LineOf::Whole(bytes),
        (false, _) => LineOf::Unfinished(bytes),
    };
    let mut lines: Vec<_> = parts.into_iter().map(|bytes| line(bytes, true)).collect();
    if !rest.is_empty() {
        lines.push(line(rest, false));
    }
    lines
}

/// Asserts that `bytes` have these lines if they are read in parts of `len` bytes.
#[track_caller]
fn assert_read_as(bytes: &[u8], expected: &[LineOf<'_>], len: usize) {
    let mut lines = Lines::new(BufReader::with_capacity(len, bytes));
    let mut expected = expected.iter();
    loop {
        let (line, expected) = (lines.next(), expected.next());
        assert_eq!(line.ok().flatten().as_ref(), expected);
        if expected.is_none() {
            break;
        }
    }
}

/// Asserts that the end of a file is what its lines say.
#[track_caller]
fn assert_tail(bytes: &[u8]) {
    let mut records = bytes.split(|byte| *byte == b'\n').filter_map(record);
    let tail = Tail::in_bytes(bytes);
    assert_eq!(tail.last, records.next_back());
    let rest = bytes.rsplit(|byte| *byte == b'\n').next();
    let rest = rest.unwrap_or_default();
    assert_eq!(tail.rest == Rest::Nothing, rest.is_empty());
    assert_eq!(tail.rest == Rest::Record, record(rest).is_some());
}

/// The place in the chain of a line that is a record.
fn record(line: &[u8]) -> Option<Head> {
    let seq = Link::of(line)?.seq;
    let hash = Hash::of(line);
    Some(Head { seq, hash })
}

/// Whether each record follows the one before it; between them there may be a line that a crash has
/// cut if the next record says so.
fn is_chain(files: &[Vec<LineOf<'_>>]) -> bool {
    let mut last: Option<Head> = None;
    let mut cut: Option<Hash> = None;
    for line in files.iter().flatten() {
        let (LineOf::Whole(bytes) | LineOf::Unfinished(bytes)) = line else {
            return false;
        };
        let hash = Hash::of(bytes);
        let Some(link) = Link::of(bytes) else {
            if cut.replace(hash).is_some() {
                return false;
            }
            continue;
        };
        let follows = last
            .is_none_or(|last| link.prev == last.hash && link.seq == last.seq.saturating_add(1));
        let explains = cut.take().is_none_or(|cut| link.torn() == Some(cut));
        if !follows || !explains {
            return false;
        }
        last = Some(Head {
            seq: link.seq,
            hash,
        });
    }
    cut.is_none()
}

/// Asserts that `verdict` is about `files`: each place exists, and the places are in order.
#[track_caller]
fn assert_sound(verdict: &Verdict, files: &[Vec<LineOf<'_>>]) {
    let lens: BTreeMap<_, _> = files.iter().map(Vec::len).enumerate().collect();
    let exists = |place: Place| {
        let len = lens.get(&place.file).copied().unwrap_or_default();
        (1..=len as u64).contains(&place.line) || place == Place { file: 0, line: 1 }
    };
    let places: Vec<_> = verdict.problems.iter().map(|one| one.place).collect();
    assert!(places.iter().all(|place| exists(*place)), "{verdict:?}");
    assert!(places.is_sorted(), "{verdict:?}");
    assert!(places.len() <= MAX_PROBLEMS, "{verdict:?}");
    assert!(verdict.more_problems == 0 || places.len() == MAX_PROBLEMS);
    for note in &verdict.notes {
        assert!(!matches!(note, Note::CutByCrash(place) if !exists(*place)));
    }
    let records = files.iter().flatten().filter(|line| match line {
        LineOf::Whole(bytes) | LineOf::Unfinished(bytes) => record(bytes).is_some(),
        LineOf::TooLong => false,
    });
    assert_eq!(verdict.records, records.count() as u64);
}

/// Asserts what a head from elsewhere shows, of a log in which `found` was found without one.
#[track_caller]
fn assert_heads(files: &Files, found: &Verdict) {
    let Some(last) = found.head else { return };
    let with = |head: Head| {
        let heads = &[head];
        verdict(
            files,
            Expected {
                is_part: true,
                heads,
            },
        )
    };
    let same = with(last);
    assert!(same.has_known_end);
    assert_eq!(same.problems.is_empty(), found.problems.is_empty());
    let other = with(Head {
        hash: Hash::of(b"another line"),
        ..last
    });
    assert!(!other.problems.is_empty() && !other.has_known_end);
    if let Some(seq) = last.seq.checked_add(1) {
        let longer = with(Head { seq, ..last });
        let is_truncated = |one: &Problem| matches!(one.kind, ProblemKind::Truncated { from, to } if from == to && to == seq);
        let is_full = longer.more_problems > 0;
        assert!(
            is_full || longer.problems.iter().any(is_truncated),
            "{longer:?}"
        );
    }
    let text = last.to_string();
    assert_eq!(text.parse(), Ok(last));
}
