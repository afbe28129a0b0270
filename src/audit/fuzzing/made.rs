//! A log that the chain has made, and one change of it, which must be found.
//!
//! A recipe is the letter of a change, four bytes of which it makes its numbers, and a line for
//! each record: `|` starts a file, `!` is a line that a crash has cut, and any other has the
//! record's texts with commas between them.

use super::{Files, expectation::Expectation, log::Log, verdict};
use crate::audit::verify::{Expected, Note, Place, Problem, ProblemKind, Verdict};

/// Makes a log, changes it, and asserts what must be found. Returns the log as it is then.
pub(super) fn check(recipe: &[u8]) -> (Files, Verdict) {
    let Some((&[change, one, two, three, four], records)) = recipe.split_first_chunk() else {
        return (Files::new(), Verdict::default());
    };
    let log = Log::of(records);
    assert_whole(&log);
    let (files, expected) = match log.lines.len() {
        0 => (log.files(), Expectation::Nothing),
        count => {
            let line = usize::from(one) % count;
            let other = usize::from(two) % count;
            let number = usize::from(two) << 8 | usize::from(three);
            match change {
                b'e' => edited(&log, line, number, four),
                b'd' => deleted(&log, line, other),
                b's' => swapped(&log, line, other),
                b'i' => inserted(&log, line, other),
                b't' => cut(&log, line, number),
                b'o' => without_oldest(&log, one),
                b'f' => forged(&log, records, line),
                b'p' => part(&log, line, other),
                _ => (log.files(), Expectation::Nothing),
            }
        }
    };
    let heads = [log.head];
    let found = verdict(
        &files,
        Expected {
            is_part: matches!(expected, Expectation::NothingInPart),
            heads: match expected {
                Expectation::NothingInPart => &[],
                _ => &heads,
            },
        },
    );
    expected.assert(&found);
    (files, found)
}

/// Asserts that nothing is wrong with a log as it was made.
#[track_caller]
fn assert_whole(log: &Log) {
    let heads = [log.head];
    let found = verdict(
        &log.files(),
        Expected {
            is_part: false,
            heads: &heads,
        },
    );
    assert!(found.problems.is_empty(), "{found:?}");
    let cuts = (0..log.lines.len()).filter(|at| log.lines[*at].is_cut());
    let notes: Vec<_> = cuts.map(|at| Note::CutByCrash(log.place(at))).collect();
    assert_eq!(found.notes, notes);
    assert_eq!(found.records, log.head.seq);
    let last = (log.head.seq > 0).then_some(log.head);
    assert_eq!((found.head, found.has_known_end), (last, last.is_some()));
}

/// One byte is another one.
fn edited(log: &Log, line: usize, number: usize, by: u8) -> (Files, Expectation) {
    let mut changed = log.clone();
    let bytes = &mut changed.lines[line].bytes;
    let at = number % bytes.len();
    // A line break would make two lines of it.
    bytes[at] = match (bytes[at] ^ by, bytes[at]) {
        (byte, before) if byte != before && byte != b'\n' => byte,
        (_, b'!') => b'?',
        _ => b'!',
    };
    let neighbours = [line.saturating_sub(1), line + 1].map(|at| log.place(at));
    let expectation = match log.is_beside_cut(line) {
        // It may look like a record, and the one after it as if it came too late.
        true => Expectation::Some,
        false => Expectation::Around {
            line: log.place(line),
            neighbours,
        },
    };
    (changed.files(), expectation)
}

/// Some lines of one file are deleted.
fn deleted(log: &Log, line: usize, other: usize) -> (Files, Expectation) {
    let (start, end) = (line.min(other), line.max(other) + 1);
    let seqs: Vec<_> = log.lines[start..end]
        .iter()
        .filter_map(|line| line.seq)
        .collect();
    let mut changed = log.clone();
    changed.lines.drain(start..end);
    let (Some(from), Some(to)) = (seqs.first().copied(), seqs.last().copied()) else {
        // A line that a crash has cut: it is no record, and the next one tells of it.
        let problem = Problem {
            place: changed.place(start),
            kind: ProblemKind::CutMissing,
        };
        return (changed.files(), Expectation::Exactly(vec![problem]));
    };
    let expectation = match log.lines.get(end) {
        // Their hash is in a line that is deleted.
        _ if log.lines[start..end].iter().any(|line| line.is_rotation) => Expectation::Some,
        // What a crash has cut is at the end, or its explanation is deleted.
        _ if log.is_beside_cut(start) || log.is_beside_cut(end - 1) => Expectation::Some,
        // The oldest files are empty.
        Some(next) if start == 0 && next.is_rotation => {
            Expectation::Exactly(vec![files_missing(changed.last_place().file, next.file)])
        }
        Some(_) => Expectation::Exactly(vec![Problem {
            place: changed.place(start),
            kind: ProblemKind::Missing { from, to },
        }]),
        None => Expectation::Exactly(vec![Problem {
            place: changed.last_place(),
            kind: ProblemKind::Truncated { from, to },
        }]),
    };
    (changed.files(), expectation)
}

/// Two lines have each other's place.
fn swapped(log: &Log, line: usize, other: usize) -> (Files, Expectation) {
    let mut changed = log.clone();
    if line == other {
        return (log.files(), Expectation::Nothing);
    }
    let (one, two) = (line.min(other), line.max(other));
    let bytes = changed.lines[one].bytes.clone();
    changed.lines[one].bytes = changed.lines[two].bytes.clone();
    changed.lines[two].bytes = bytes;
    let is_plain = |at| !log.is_beside_cut(at) && !log.lines[at].is_rotation;
    let expectation = match is_plain(one) && is_plain(two) {
        true => Expectation::First(log.place(one)),
        false => Expectation::Some,
    };
    (changed.files(), expectation)
}

/// A line is there once more, before another one.
fn inserted(log: &Log, line: usize, before: usize) -> (Files, Expectation) {
    let mut changed = log.clone();
    let mut copy = log.lines[line].clone();
    copy.file = log.lines[before].file;
    changed.lines.insert(before, copy);
    let places = [before, before + 1].map(|at| changed.place(at));
    let expectation = match log.is_beside_cut(line) || log.is_beside_cut(before) {
        true => Expectation::Some,
        // Of two equal lines beside each other either is the copy.
        false => Expectation::FirstOfTwo(places[0], places[1]),
    };
    (changed.files(), expectation)
}

/// The log ends with the first bytes of `line`, or with the whole line without its line break.
fn cut(log: &Log, line: usize, number: usize) -> (Files, Expectation) {
    let mut changed = log.clone();
    changed.lines.truncate(line + 1);
    let last = &mut changed.lines[line];
    let len = number % (last.bytes.len() + 1);
    let is_whole = len == last.bytes.len() && !last.is_cut();
    last.bytes.truncate(len);
    last.has_end = false;
    let records = changed.lines.iter().filter_map(|line| line.seq);
    let kept = records.filter(|seq| is_whole || Some(*seq) != log.lines[line].seq);
    let kept = kept.max().unwrap_or_default();
    let mut expected = Vec::new();
    if !is_whole && len > 0 {
        expected.push(Problem {
            place: changed.place(line),
            kind: ProblemKind::Torn,
        });
    }
    if kept < log.head.seq {
        let records = changed.lines.iter().zip(0..);
        let is_kept = |seq: Option<u64>| seq.is_some_and(|seq| seq <= kept);
        let last = records.filter(|(line, _)| is_kept(line.seq)).last();
        let at = last.map_or(0, |(_, at)| at);
        expected.push(Problem {
            place: changed.place(at),
            kind: ProblemKind::Truncated {
                from: kept + 1,
                to: log.head.seq,
            },
        });
    }
    // What a crash has cut before that is not explained any more.
    if line > 0 && log.lines[line - 1].is_cut() && !is_whole {
        return (changed.files(), Expectation::Some);
    }
    expected.sort_by_key(|problem| problem.place);
    (changed.files(), Expectation::Exactly(expected))
}

/// The oldest files are removed.
fn without_oldest(log: &Log, number: u8) -> (Files, Expectation) {
    let mut files = log.files();
    let count = usize::from(number) % files.len();
    files.drain(..count);
    let last = files.len().saturating_sub(1);
    let mut problem = files_missing(last + count, count);
    problem.place.file = last;
    match count {
        0 => (files, Expectation::Nothing),
        _ => (files, Expectation::Exactly(vec![problem])),
    }
}

/// The problem of a log whose last file has this number, and whose first `count` files are missing.
fn files_missing(last: usize, count: usize) -> Problem {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Problem {
        place: Place {
            file: last,
            line: 1,
        },
        kind: ProblemKind::FilesMissing {
            expected: number(last),
            found: number(last - count),
        },
    }
}

/// A record is another one, and the whole log after it was made anew. The known head shows it.
fn forged(log: &Log, records: &[u8], line: usize) -> (Files, Expectation) {
    let forged = Log::with_forged(records, log.lines[line].record);
    let problem = Problem {
        place: forged.last_place(),
        kind: ProblemKind::OtherHead {
            seq: forged.head.seq,
        },
    };
    let expectation = match forged.head == log.head {
        true => Expectation::Nothing,
        false => Expectation::Exactly(vec![problem]),
    };
    (forged.files(), expectation)
}

/// Some lines of the log, as a collector may have them.
fn part(log: &Log, line: usize, other: usize) -> (Files, Expectation) {
    let (start, end) = (line.min(other), line.max(other) + 1);
    let mut changed = log.clone();
    changed.lines.truncate(end);
    changed.lines.drain(..start);
    let ends_with_cut = changed.lines.last().is_some_and(|line| line.is_cut());
    let expectation = match ends_with_cut {
        true => Expectation::Nothing,
        false => Expectation::NothingInPart,
    };
    match expectation {
        Expectation::Nothing => (log.files(), expectation),
        other => (changed.files(), other),
    }
}
