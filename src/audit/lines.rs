//! Reads lines of a bounded length from any bytes.

use std::io::{self, BufRead};

use super::{chain::MAX_LINE, verify::LineOf};

/// Reads the lines of a file one after another, in bounded memory.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `reader`.
    pub(crate) fn new(reader: R) -> Self {
        let line = Vec::new();
        Self { reader, line }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn next(&mut self) -> io::Result<Option<LineOf<'_>>> {
        self.line.clear();
        let mut is_too_long = false;
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                break;
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            is_too_long |= self.line.len() + part.len() > MAX_LINE;
            if !is_too_long {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some(match is_too_long {
                    true => LineOf::TooLong,
                    false => LineOf::Whole(&self.line),
                }));
            }
        }
        Ok(match is_too_long {
            true => Some(LineOf::TooLong),
            false if self.line.is_empty() => None,
            false => Some(LineOf::Unfinished(&self.line)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(BufReader::with_capacity(7, bytes));
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(match line {
                LineOf::Whole(bytes) => format!("{}$", String::from_utf8_lossy(bytes)),
                LineOf::Unfinished(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                LineOf::TooLong => "too long".to_owned(),
            });
        }
        found
    }

    #[test]
    fn lines_end_with_a_line_break_and_the_last_one_may_lack_it() {
        assert_eq!(lines(b""), [""; 0]);
        assert_eq!(
            lines(b"one\n\nthree is longer\nfour"),
            ["one$", "$", "three is longer$", "four"]
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_in_bounded_memory() {
        let longest = "x".repeat(MAX_LINE);
        let text = format!("{longest}\n{longest}x\ntwo\n{longest}{longest}");
        let found = lines(text.as_bytes());
        assert_eq!(found[0].len(), MAX_LINE + 1);
        assert_eq!(found[1..], ["too long", "two$", "too long"]);
        let mut endless = Lines::new(BufReader::new(io::Read::take(io::repeat(b'x'), 1 << 24)));
        assert_eq!(endless.next().unwrap(), Some(LineOf::TooLong));
        assert!(endless.line.capacity() <= 2 * MAX_LINE);
    }
}
