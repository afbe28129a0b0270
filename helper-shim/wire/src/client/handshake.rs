//! What `claviger daemon --detached` reports on its standard output, a pipe to the client that
//! starts it: one of
//!
//! - `ok\n`, and the end of the pipe: it listens, or another daemon does;
//! - `error CODE\nMESSAGE\nHINT\n`, and exits: CODE is an [`ExitCode`]'s number, HINT may be empty.
//!
//! A client of one release starts the daemon of another: the form does not change.

use std::io::{self, ErrorKind, Read, Write};

use crate::{ExitCode, Failure, MAX_TEXT_LEN};

/// The longest report in bytes.
const MAX_LEN: usize = "error 255\n\n\n".len() + 2 * MAX_TEXT_LEN;

/// Reports that a daemon listens.
///
/// # Errors
///
/// Those of `out`.
pub fn write_ready(out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"ok\n")
}

/// Reports that the daemon cannot start.
///
/// # Errors
///
/// Those of `out`.
pub fn write_failure(out: &mut impl Write, failure: &Failure) -> io::Result<()> {
    let line = |text: &str| text[..text.floor_char_boundary(MAX_TEXT_LEN)].replace('\n', " ");
    let message = line(&failure.message);
    let hint = line(failure.hint.as_deref().unwrap_or_default());
    let code = failure.code.as_byte();
    let text = format!("error {code}\n{message}\n{hint}\n");
    out.write_all(text.as_bytes())
}

/// Reads until the report is complete or cannot become so; `None` if it is not complete: the daemon
/// ended without reporting anything.
pub(super) fn read(mut pipe: impl Read) -> Option<Result<(), Failure>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 512];
    loop {
        let report = parse(&String::from_utf8_lossy(&bytes));
        if report.is_some() || bytes.len() >= MAX_LEN {
            return report;
        }
        match pipe.read(&mut chunk) {
            Ok(0) => return None,
            Ok(len) => bytes.extend_from_slice(&chunk[..len]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// `None` if `text` is not a complete report.
fn parse(text: &str) -> Option<Result<(), Failure>> {
    let mut lines = text
        .split_inclusive('\n')
        .map_while(|line| line.strip_suffix('\n'));
    match lines.next()? {
        "ok" => Some(Ok(())),
        first => {
            let code = ExitCode::from_byte(first.strip_prefix("error ")?.parse().ok()?);
            let (message, hint) = (lines.next()?.to_owned(), lines.next()?);
            Some(Err(Failure {
                code,
                message,
                hint: (!hint.is_empty()).then(|| hint.to_owned()),
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(failure: &Failure) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_failure(&mut bytes, failure).unwrap();
        bytes
    }

    #[test]
    fn a_report_that_is_written_is_read() {
        let mut ready = Vec::new();
        write_ready(&mut ready).unwrap();
        assert_eq!(ready, b"ok\n");
        assert_eq!(read(&*ready), Some(Ok(())));

        for code in ExitCode::ALL {
            let failure = Failure::new(code, "no profile 'a'", "add it");
            assert_eq!(read(&*written(&failure)), Some(Err(failure)));
        }
        let mut failure = Failure::new(ExitCode::Usage, "no profile 'a'", "");
        failure.hint = None;
        assert_eq!(written(&failure), b"error 2\nno profile 'a'\n\n");
        assert_eq!(read(&*written(&failure)), Some(Err(failure)));
    }

    #[test]
    fn long_texts_and_line_breaks_stay_readable() {
        let long = "é".repeat(MAX_TEXT_LEN);
        let failure = Failure::new(ExitCode::Usage, format!("a\nb{long}"), long);
        let read = read(&*written(&failure)).unwrap().unwrap_err();
        assert!(read.message.starts_with("a bé"), "{}", read.message);
        assert_eq!(read.hint.unwrap().len(), MAX_TEXT_LEN);
    }

    #[test]
    fn an_incomplete_or_foreign_report_is_none() {
        for text in [
            "",
            "ok",
            "okay\n",
            "error 2\n",
            "error 2\nno\n",
            "error 2\nno\nadd",
            "error x\na\nb\n",
            "\n",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(read(io::repeat(b'x')), None);
    }

    #[test]
    fn nothing_is_read_after_the_report() {
        let pipe = b"o".chain(b"k\n".as_slice()).chain(Broken);
        assert_eq!(read(pipe), Some(Ok(())));
        assert_eq!(read(b"ok\nand more".as_slice()), Some(Ok(())));
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("read after the end of the report")
        }
    }
}
