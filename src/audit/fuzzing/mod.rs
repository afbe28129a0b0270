//! The fuzz target of the audit log's reader.
//!
//! An input that starts with `c` becomes a log that the chain has made, and a change of it
//! (`made`). Any other is the log itself: a byte 0 starts the next file, and a byte 1 is a long
//! text.

mod expectation;
mod log;
mod made;
mod read;

use std::io::BufReader;

use super::{
    chain::MAX_LINE,
    lines::Lines,
    read::push,
    verify::{Expected, Verdict, Verifier},
};
use crate::hostile_input::assert_one_line;

/// A log: each file with its bytes, the oldest first.
pub(crate) type Files = Vec<Vec<u8>>;

/// The most long texts in one input: each takes time.
const MAX_LONG: usize = 2;

/// The audit log. Returns its files and what is found in them.
pub(crate) fn audit(data: &[u8]) -> (Files, Verdict) {
    if let Some(recipe) = data.strip_prefix(b"c") {
        return made::check(recipe);
    }
    let mut files = vec![Vec::new()];
    let mut long = 0;
    for byte in data {
        match (byte, files.last_mut()) {
            (0, _) | (_, None) => files.push(Vec::new()),
            (1, Some(file)) if long < MAX_LONG => {
                long += 1;
                file.extend(vec![b'x'; MAX_LINE - 1]);
            }
            (byte, Some(file)) => file.push(*byte),
        }
    }
    let verdict = read::check(&files);
    (files, verdict)
}

/// What is found in `files`.
fn verdict(files: &[Vec<u8>], expected: Expected<'_>) -> Verdict {
    verdict_in_parts(files, expected, 8192)
}

/// The same, read in parts of `len` bytes.
fn verdict_in_parts(files: &[Vec<u8>], expected: Expected<'_>, len: usize) -> Verdict {
    let mut verifier = Verifier::new(expected);
    for (number, bytes) in files.iter().enumerate() {
        let lines = Lines::new(BufReader::with_capacity(len, bytes.as_slice()));
        let pushed = push(&mut verifier, number, lines);
        assert!(pushed.is_ok(), "{pushed:?}");
    }
    let verdict = verifier.finish();
    for problem in &verdict.problems {
        assert_one_line(&problem.kind.to_string());
    }
    verdict
}
