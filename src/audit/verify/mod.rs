//! Finds what was edited, deleted, reordered or cut, from the lines in their order.
//!
//! Pure: it reads no file. It keeps a few lines in mind and no more, however long a log is, and
//! takes any bytes.

mod problem;

pub(crate) use self::problem::{Note, Place, Problem, ProblemKind};
use super::{
    chain::{Head, Link},
    hash::Hash,
};

/// The most problems that are kept: after those, a log is beyond repair.
const MAX_PROBLEMS: usize = 100;

/// One line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineOf<'a> {
    /// Its bytes without the line break, which it has.
    Whole(&'a [u8]),
    /// The bytes after the last line break.
    Unfinished(&'a [u8]),
    /// It is longer than [`MAX_LINE`](super::chain::MAX_LINE).
    TooLong,
}

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What is wrong, in the order of the lines.
    pub(crate) problems: Vec<Problem>,
    /// How many problems there are beside those.
    pub(crate) more_problems: u64,
    /// What else happened.
    pub(crate) notes: Vec<Note>,
    /// How many records there are.
    pub(crate) records: u64,
    /// The last record.
    pub(crate) head: Option<Head>,
    /// Whether a known head shows that no record is missing at the end.
    pub(crate) has_known_end: bool,
}

/// What is verified.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expected<'a> {
    /// The log may start at any record, and files before it may be elsewhere: a copy of a part.
    pub(crate) is_part: bool,
    /// Heads that are known from elsewhere.
    pub(crate) heads: &'a [Head],
}

/// A line that is a part of a chain.
#[derive(Clone, Copy, Debug)]
struct Linked {
    place: Place,
    head: Head,
    /// Whether it is known to be edited: what follows from that is no problem of its own.
    is_reported: bool,
}

/// Records that are missing, unless they come later.
#[derive(Clone, Copy, Debug)]
struct Gap {
    problem: usize,
    from: u64,
    to: u64,
    found: u64,
}

/// Verifies lines that are pushed in their order.
#[derive(Debug)]
pub(crate) struct Verifier<'a> {
    expected: Expected<'a>,
    verdict: Verdict,
    /// The end of the chain so far.
    last: Option<Linked>,
    /// The end of a part that is out of order.
    stray: Option<Linked>,
    /// The line that was pushed last, of those that are records.
    latest: Option<Linked>,
    /// A line that does not fit to the one before it: one of them was edited.
    doubt: Option<(Place, Place)>,
    /// A line that is not a record, with its hash: a crash may have cut it.
    held: Option<(Place, Hash, ProblemKind)>,
    /// The lines since the end of the chain that are not records.
    unread: u64,
    gap: Option<Gap>,
    rotation: Option<(Place, u32)>,
    /// The file of the first line. Those before it were emptied: the log rotates no empty file.
    first_file: Option<usize>,
    /// Which of the expected heads were met.
    met: Vec<bool>,
}

impl<'a> Verifier<'a> {
    /// No lines yet.
    pub(crate) fn new(expected: Expected<'a>) -> Self {
        Self {
            expected,
            verdict: Verdict::default(),
            last: None,
            stray: None,
            latest: None,
            doubt: None,
            held: None,
            unread: 0,
            gap: None,
            rotation: None,
            first_file: None,
            met: vec![false; expected.heads.len()],
        }
    }

    /// The next line.
    pub(crate) fn push(&mut self, place: Place, line: LineOf<'_>) {
        self.first_file.get_or_insert(place.file);
        let (bytes, unread) = match line {
            LineOf::Whole(bytes) => (bytes, ProblemKind::NotARecord),
            LineOf::Unfinished(bytes) => (bytes, ProblemKind::Torn),
            LineOf::TooLong => {
                self.hold(place, Hash::NONE, ProblemKind::TooLong);
                return;
            }
        };
        let hash = Hash::of(bytes);
        // A line is a whole record as soon as its last byte is written.
        let Some(link) = Link::of(bytes) else {
            self.hold(place, hash, unread);
            return;
        };
        self.verdict.records += 1;
        self.release(place, &link);
        if let Some(files) = link.previous_files() {
            self.rotation = Some((place, files));
        }
        let is_known = self.meet(link.seq, hash);
        self.add(place, &link, hash);
        if !is_known {
            self.report_other_head(place, link.seq);
        }
        self.unread = 0;
    }

    /// All lines were pushed.
    pub(crate) fn finish(mut self) -> Verdict {
        self.release_as_problem();
        let latest = self.latest.map(|latest| latest.head);
        self.settle_doubt();
        let end = self
            .latest
            .map_or(Place { file: 0, line: 1 }, |latest| latest.place);
        let seq = latest.map_or(0, |head| head.seq);
        let beyond = self.expected.heads.iter().map(|head| head.seq).max();
        if let Some(to) = beyond.filter(|known| *known > seq) {
            self.report(end, ProblemKind::Truncated { from: seq + 1, to });
        }
        if let Some((place, expected)) = self.rotation.filter(|_| !self.expected.is_part) {
            let emptied = self.first_file.unwrap_or_default();
            let found = place.file.saturating_sub(emptied);
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            if found < expected {
                self.report(place, ProblemKind::FilesMissing { expected, found });
            }
        }
        self.verdict.problems.sort_by_key(|problem| problem.place);
        self.verdict.head = latest;
        self.verdict.has_known_end = latest.is_some_and(|head| self.expected.heads.contains(&head));
        self.verdict
    }

    fn add(&mut self, place: Place, link: &Link, hash: Hash) {
        let mut linked = Linked {
            place,
            head: Head {
                seq: link.seq,
                hash,
            },
            is_reported: false,
        };
        let Some(last) = self.last else {
            self.start(place, link, &mut linked);
            self.last = Some(linked);
            self.latest = self.last;
            return;
        };
        let next = last.head.seq.saturating_add(1);
        let is_linked = link.prev == last.head.hash;
        if is_linked && link.seq != next {
            // It follows that very line, so it is its number that was edited.
            self.settle_doubt();
            self.report(place, ProblemKind::Edited);
            linked.head.seq = next;
            linked.is_reported = true;
        } else if is_linked {
            self.settle_doubt();
        } else if link.seq == next {
            self.mismatch(last, &mut linked);
        } else if link.seq > next {
            self.settle_doubt();
            if link.seq - next > self.unread {
                self.miss(place, next, link.seq - 1);
            }
        } else {
            let follows_stray = self.stray.is_some_and(|stray| {
                link.prev == stray.head.hash && link.seq == stray.head.seq.saturating_add(1)
            });
            self.find(link.seq);
            if !follows_stray {
                self.report(place, ProblemKind::OutOfOrder { seq: link.seq });
            }
            self.stray = Some(linked);
            self.latest = self.stray;
            return;
        }
        self.last = Some(linked);
        self.latest = self.last;
    }

    /// The first record.
    fn start(&mut self, place: Place, link: &Link, linked: &mut Linked) {
        let is_first = link.seq == 1 && link.prev == Hash::NONE;
        if is_first || self.expected.is_part || self.unread > 0 {
            return;
        }
        if link.seq <= 1 {
            self.report(place, ProblemKind::Edited);
            linked.is_reported = true;
        } else if link.previous_files().is_some() {
            self.verdict.notes.push(Note::StartsAt(link.seq));
        } else {
            self.report(
                place,
                ProblemKind::Missing {
                    from: 1,
                    to: link.seq - 1,
                },
            );
        }
    }

    /// `linked` has the next number and another hash: it was edited, or `last` was.
    fn mismatch(&mut self, last: Linked, linked: &mut Linked) {
        match self.doubt.take() {
            // Neither side fits to `last`.
            Some((_, at)) if at == last.place => self.report(at, ProblemKind::Edited),
            _ if last.is_reported => {}
            _ => self.doubt = Some((last.place, linked.place)),
        }
    }

    /// The line after the one in doubt fits, or is unknown: the line before it was edited.
    fn settle_doubt(&mut self) {
        let Some((before, at)) = self.doubt.take() else {
            return;
        };
        let is_edited = self.latest.is_some_and(|latest| {
            let mut heads = self.expected.heads.iter();
            latest.place == at
                && heads.any(|head| head.seq == latest.head.seq && *head != latest.head)
        });
        self.report(if is_edited { at } else { before }, ProblemKind::Edited);
    }

    fn miss(&mut self, place: Place, from: u64, to: u64) {
        self.report(place, ProblemKind::Missing { from, to });
        let problem = self.verdict.problems.len() - 1;
        let is_kept = self.verdict.more_problems == 0;
        self.gap = is_kept.then_some(Gap {
            problem,
            from,
            to,
            found: 0,
        });
    }

    /// A record comes too late: perhaps one that was missing.
    fn find(&mut self, seq: u64) {
        let Some(gap) = &mut self.gap else { return };
        if (gap.from..=gap.to).contains(&seq) {
            gap.found += 1;
            if gap.found > gap.to - gap.from {
                let (from, to) = (gap.from, gap.to);
                self.verdict.problems[gap.problem].kind = ProblemKind::Reordered { from, to };
                self.gap = None;
            }
        }
    }

    /// Whether no expected head contradicts that record `seq` has this hash.
    fn meet(&mut self, seq: u64, hash: Hash) -> bool {
        let mut is_known = true;
        for (head, met) in self.expected.heads.iter().zip(&mut self.met) {
            if head.seq == seq && !*met {
                *met = true;
                is_known &= head.hash == hash;
            }
        }
        is_known
    }

    /// The record is not the expected one. If that is an edit that the chain shows, too, this is
    /// no problem of its own.
    fn report_other_head(&mut self, place: Place, seq: u64) {
        let is_known = self.latest.is_some_and(|latest| latest.is_reported);
        if !is_known && self.doubt.is_none() {
            self.report(place, ProblemKind::OtherHead { seq });
        }
    }

    /// Keeps a line that is not a record until the next one.
    fn hold(&mut self, place: Place, hash: Hash, kind: ProblemKind) {
        self.release_as_problem();
        self.held = Some((place, hash, kind));
    }

    /// Judges the line before `link` that is not a record: a crash has cut it, or it is a problem.
    fn release(&mut self, at: Place, link: &Link) {
        let Some((place, hash, kind)) = &self.held else {
            // A collector gets whole records only.
            if link.torn().is_some() && !self.expected.is_part {
                self.report(at, ProblemKind::CutMissing);
            }
            return;
        };
        let follows = self.last.is_none_or(|last| {
            link.prev == last.head.hash && link.seq == last.head.seq.saturating_add(1)
        });
        if *kind != ProblemKind::TooLong && link.torn() == Some(*hash) && follows {
            self.verdict.notes.push(Note::CutByCrash(*place));
            self.held = None;
        } else {
            self.release_as_problem();
        }
    }

    fn release_as_problem(&mut self) {
        if let Some((place, _, kind)) = self.held.take() {
            self.unread += 1;
            self.report(place, kind);
        }
    }

    fn report(&mut self, place: Place, kind: ProblemKind) {
        if self.verdict.problems.len() < MAX_PROBLEMS {
            self.verdict.problems.push(Problem { place, kind });
        } else {
            self.verdict.more_problems += 1;
        }
    }
}

#[cfg(test)]
mod tests;
