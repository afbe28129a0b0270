use proptest::prelude::*;

use super::*;
use crate::{audit::record::Record, clock::Timestamp};

/// The lines of a log of `count` records, and its heads: the first one is the start.
fn log(count: usize) -> (Vec<String>, Vec<Head>) {
    let mut heads = vec![Head::START];
    let lines = (0..count).map(|number| {
        let record = Record {
            profile: Some(format!("p{number}")),
            ..Record::new(Timestamp::UNIX_EPOCH, "grant", "served")
        };
        let (line, head) = heads[number].followed_by(&record);
        heads.push(head);
        line
    });
    (lines.collect(), heads)
}

fn at(line: usize) -> Place {
    Place {
        file: 0,
        line: line as u64 + 1,
    }
}

fn verdict<T: AsRef<[u8]>>(lines: &[T], heads: &[Head]) -> Verdict {
    let expected = Expected {
        is_part: false,
        heads,
    };
    let mut verifier = Verifier::new(expected);
    for (number, line) in lines.iter().enumerate() {
        verifier.push(at(number), LineOf::Whole(line.as_ref()));
    }
    verifier.finish()
}

/// The lines that are named, from 0, with the names of the problems.
fn named(verdict: &Verdict) -> Vec<(usize, &'static str)> {
    let problems = verdict.problems.iter();
    problems
        .map(|problem| {
            let line = usize::try_from(problem.place.line).unwrap() - 1;
            (line, problem.kind.name())
        })
        .collect()
}

#[test]
fn a_log_that_was_not_touched_is_whole() {
    let (lines, heads) = log(20);
    let found = verdict(&lines, &heads[20..]);
    assert!(found.problems.is_empty(), "{found:?}");
    assert_eq!((found.records, found.head), (20, Some(heads[20])));
    assert!(found.has_known_end);
    assert!(!verdict(&lines, &[]).has_known_end);
    assert!(
        verdict(&lines, &heads[7..8]).problems.is_empty(),
        "an older head"
    );
    let empty = verdict::<String>(&[], &[]);
    assert_eq!((empty.records, empty.problems.len()), (0, 0));
}

#[test]
fn an_end_that_is_missing_is_found_by_the_known_head() {
    let (lines, heads) = log(9);
    for kept in 0..9 {
        let found = verdict(&lines[..kept], &heads[9..]);
        assert_eq!(named(&found), [(kept.saturating_sub(1), "truncated")]);
        let expected = ProblemKind::Truncated {
            from: kept as u64 + 1,
            to: 9,
        };
        assert_eq!(found.problems[0].kind, expected);
        assert!(
            verdict(&lines[..kept], &[]).problems.is_empty(),
            "unknown end"
        );
    }
}

#[test]
fn a_log_that_was_written_anew_contradicts_a_known_head() {
    let (lines, _) = log(9);
    let (_, others) = {
        let mut heads = vec![Head::START];
        for number in 0..9 {
            let record = Record::new(Timestamp::UNIX_EPOCH, "refusal", "denied");
            heads.push(heads[number].followed_by(&record).1);
        }
        ((), heads)
    };
    let found = verdict(&lines, &others[5..6]);
    assert_eq!(named(&found), [(4, "other-head")]);
}

#[test]
fn a_part_may_start_anywhere_and_a_log_at_a_rotation() {
    let (lines, heads) = log(9);
    assert_eq!(named(&verdict(&lines[3..], &[])), [(0, "deleted")]);
    let expected = Expected {
        is_part: true,
        heads: &heads[9..],
    };
    let mut verifier = Verifier::new(expected);
    for (number, line) in lines[3..].iter().enumerate() {
        verifier.push(at(number), LineOf::Whole(line.as_bytes()));
    }
    assert!(verifier.finish().problems.is_empty());

    let rotated = |previous_files| {
        let record = Record {
            previous_files: Some(previous_files),
            ..Record::new(Timestamp::UNIX_EPOCH, "log", "rotated")
        };
        let lines = [heads[9].followed_by(&record).0];
        verdict(&lines, &[])
    };
    let found = rotated(0);
    assert_eq!(found.problems, []);
    assert_eq!(found.notes, [Note::StartsAt(10)]);
    assert_eq!(named(&rotated(2)), [(0, "files-missing")]);
}

/// A file that was emptied is not one that was kept.
#[test]
fn an_oldest_file_that_was_emptied_is_missing() {
    let (_, heads) = log(9);
    let rotated = Record {
        previous_files: Some(1),
        ..Record::new(Timestamp::UNIX_EPOCH, "log", "rotated")
    };
    let (line, head) = heads[9].followed_by(&rotated);
    let heads = [head];
    let mut verifier = Verifier::new(Expected {
        is_part: false,
        heads: &heads,
    });
    let place = Place { file: 1, line: 1 };
    verifier.push(place, LineOf::Whole(line.as_bytes()));
    let kind = ProblemKind::FilesMissing {
        expected: 1,
        found: 0,
    };
    assert_eq!(verifier.finish().problems, [Problem { place, kind }]);

    // One in which no line is a record any more is still there.
    let mut verifier = Verifier::new(Expected::default());
    verifier.push(at(0), LineOf::Whole(b"garbage"));
    verifier.push(place, LineOf::Whole(line.as_bytes()));
    assert_eq!(named(&verifier.finish()), [(0, "not-a-record")]);
}

#[test]
fn a_line_that_a_crash_has_cut_is_no_tampering_if_the_next_one_says_so() {
    let (lines, heads) = log(5);
    let (whole, _) = heads[5].followed_by(&Record::default());
    let torn = &whole[..whole.len() / 2];
    let recovered = |torn: &str| {
        let record = Record {
            torn: Some(Hash::of(torn.as_bytes())),
            ..Record::new(Timestamp::UNIX_EPOCH, "log", "recovered")
        };
        heads[5].followed_by(&record)
    };
    let (next, head) = recovered(torn);
    let mut log = lines.clone();
    log.extend([torn.to_owned(), next]);
    let found = verdict(&log, &[head]);
    assert_eq!(found.problems, []);
    assert_eq!(found.notes, [Note::CutByCrash(at(5))]);
    assert_eq!(found.records, 6);

    // Another text than the one that was found then.
    log[5].pop();
    assert_eq!(named(&verdict(&log, &[head])), [(5, "not-a-record")]);
    // The line is missing; a collector never had it.
    let mut without = log.clone();
    without.remove(5);
    assert_eq!(named(&verdict(&without, &[head])), [(5, "deleted")]);
    let mut verifier = Verifier::new(Expected {
        is_part: true,
        heads: &[],
    });
    verifier.push(at(5), LineOf::Whole(without[5].as_bytes()));
    assert_eq!(verifier.finish().problems, []);
    // An earlier line that was cut by hand.
    let mut log = lines.clone();
    log[3] = "{".to_owned();
    assert_eq!(named(&verdict(&log, &heads[5..])), [(3, "not-a-record")]);
    // An end that is still open.
    let mut verifier = Verifier::new(Expected::default());
    verifier.push(at(0), LineOf::Whole(lines[0].as_bytes()));
    verifier.push(at(1), LineOf::Unfinished(torn.as_bytes()));
    assert_eq!(named(&verifier.finish()), [(1, "torn")]);
}

#[test]
fn the_number_of_problems_is_bounded() {
    let garbage = vec!["x"; 1000];
    let found = verdict(&garbage, &[]);
    assert_eq!(found.problems.len(), MAX_PROBLEMS);
    assert_eq!(found.more_problems, 900);
}

fn logs() -> impl Strategy<Value = (usize, usize)> {
    (2..30_usize).prop_flat_map(|count| (Just(count), 0..count))
}

proptest! {
    /// One byte of one line is another one.
    #[test]
    fn an_edit_is_found_and_named(
        (count, line) in logs(),
        byte in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let (lines, heads) = log(count);
        let mut lines: Vec<_> = lines.into_iter().map(String::into_bytes).collect();
        let byte = byte.index(lines[line].len());
        lines[line][byte] ^= flip;
        let found = verdict(&lines, &heads[count..]);
        let named = named(&found);
        prop_assert!(named.iter().any(|(named, _)| *named == line), "{line}: {named:?}");
        // A number that was edited, with the hash before it, looks like a deletion.
        prop_assert!(named.len() <= 2, "{line}: {named:?}");
        prop_assert!(named[0].0 <= line + 1 && named[0].0 + 1 >= line, "{line}: {named:?}");
    }

    /// A field of one line was changed, and the line is a record as before.
    #[test]
    fn a_forged_value_is_found_and_only_its_line_named((count, line) in logs()) {
        let (mut lines, heads) = log(count);
        lines[line] = lines[line].replace(&format!("\"p{line}\""), "\"forged\"");
        let found = verdict(&lines, &heads[count..]);
        let kind = if line + 1 == count { "other-head" } else { "edited" };
        prop_assert_eq!(named(&found), [(line, kind)]);
        let unknown_end = verdict(&lines, &[]);
        prop_assert_eq!(unknown_end.problems.is_empty(), line + 1 == count);
    }

    #[test]
    fn a_forged_number_is_found_and_its_line_named((count, line) in logs(), seq in 0..100_u64) {
        let (mut lines, heads) = log(count);
        prop_assume!(seq != line as u64 + 1);
        lines[line] = lines[line].replace(
            &format!("\"seq\":{},", line + 1),
            &format!("\"seq\":{seq},"),
        );
        let found = verdict(&lines, &heads[count..]);
        prop_assert!(
            named(&found).iter().any(|(named, _)| *named == line),
            "{line}: {:?}",
            named(&found)
        );
    }

    #[test]
    fn deleted_lines_are_found_and_named(
        (count, line) in logs(),
        len in 1..5_usize,
    ) {
        let (mut lines, heads) = log(count);
        let end = (line + len).min(count);
        lines.drain(line..end);
        let found = verdict(&lines, &heads[count..]);
        let (from, to) = (line as u64 + 1, end as u64);
        let (named, kind) = if end == count {
            (line.saturating_sub(1), ProblemKind::Truncated { from, to })
        } else {
            (line, ProblemKind::Missing { from, to })
        };
        prop_assert_eq!(found.problems, [Problem { place: at(named), kind }]);
    }

    #[test]
    fn swapped_lines_are_found_and_named(
        (count, one) in logs(),
        other in any::<prop::sample::Index>(),
    ) {
        let (mut lines, heads) = log(count);
        let other = other.index(count);
        prop_assume!(one != other);
        lines.swap(one, other);
        let found = verdict(&lines, &heads[count..]);
        let first = one.min(other);
        prop_assert_eq!(found.problems[0].place, at(first), "{:?}", found);
        if one.abs_diff(other) == 1 && first + 2 < count && first > 0 {
            prop_assert_eq!(found.problems[0].kind.name(), "reordered");
        }
    }

    #[test]
    fn an_inserted_copy_is_found_and_named(
        (count, line) in logs(),
        to in any::<prop::sample::Index>(),
    ) {
        let (mut lines, heads) = log(count);
        let to = to.index(count);
        let copy = lines[line].clone();
        lines.insert(to, copy);
        let found = verdict(&lines, &heads[count..]);
        // Of two equal lines beside each other either is the copy.
        prop_assert!(!found.problems.is_empty());
        let first = found.problems[0].place;
        prop_assert!(first == at(to) || first == at(to + 1), "{found:?}");
    }

    #[test]
    fn any_bytes_are_taken(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..40)) {
        verdict(&lines, &[]);
    }
}
