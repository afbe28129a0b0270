//! What is wrong with a log, and what is worth knowing about one that is whole.

use std::fmt;

/// A line: its file, as a number in the order of the chain, and its number there from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: usize,
    pub(crate) line: u64,
}

/// A break of the chain, and the line that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    pub(crate) kind: ProblemKind,
}

/// A break of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// The line is not the one that was written.
    Edited,
    /// The line is not a record.
    NotARecord,
    /// The line is longer than any record.
    TooLong,
    /// The line has no line break, and no later line says why.
    Torn,
    /// Records are missing before the line.
    Missing {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// The line says that a crash has cut the one before it, which is missing.
    CutMissing,
    /// The records before the line come after it.
    Reordered {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// The line is at a place where another record was.
    OutOfOrder {
        /// Its number.
        seq: u64,
    },
    /// Records are missing at the end.
    Truncated {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// The record is not the one that is known from elsewhere.
    OtherHead {
        /// Its number.
        seq: u64,
    },
    /// Files before this one are missing.
    FilesMissing {
        /// How many there were.
        expected: u32,
        /// How many there are.
        found: u32,
    },
}

/// Something that happened to a log without breaking its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// A crash has cut this line, and the next one says so.
    CutByCrash(Place),
    /// The oldest record; those before it were removed with their files.
    StartsAt(u64),
}

impl ProblemKind {
    /// Its name, for scripts.
    #[must_use]
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::NotARecord => "not-a-record",
            Self::TooLong => "too-long",
            Self::Torn => "torn",
            Self::Missing { .. } | Self::CutMissing => "deleted",
            Self::Reordered { .. } | Self::OutOfOrder { .. } => "reordered",
            Self::Truncated { .. } => "truncated",
            Self::OtherHead { .. } => "other-head",
            Self::FilesMissing { .. } => "files-missing",
        }
    }
}

/// The end of a sentence that starts with the line.
impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = |from: &u64, to: &u64| match from == to {
            true => format!("record {from} is"),
            false => format!("records {from} to {to} are"),
        };
        match self {
            Self::Edited => f.write_str("edited: its hash is not the one that was recorded"),
            Self::NotARecord => f.write_str("not a record"),
            Self::TooLong => f.write_str("longer than any record"),
            Self::Torn => f.write_str("cut: it has no line break"),
            Self::Missing { from, to } => write!(f, "{} missing before it", records(from, to)),
            Self::CutMissing => f.write_str("a line that a crash has cut is missing before it"),
            Self::Reordered { from, to } => write!(f, "reordered: {} below it", records(from, to)),
            Self::OutOfOrder { seq } => {
                write!(f, "reordered or inserted: record {seq} is not here")
            }
            Self::Truncated { from, to } => write!(f, "{} missing after it", records(from, to)),
            Self::OtherHead { seq } => {
                write!(f, "record {seq} is not the one with the hash that is known")
            }
            Self::FilesMissing { expected, found } => {
                write!(f, "{expected} older files were kept, and {found} are left")
            }
        }
    }
}
