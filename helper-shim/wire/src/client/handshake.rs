//! What `claviger daemon --detached` reports on its standard output, a pipe to the client that
//! starts it: one of
//!
//! - `ok\nSOCKET\n`, and the end of the pipe: it listens on SOCKET, or another daemon does. The
//!   second line is missing if the path contains a line break, and from a daemon of the first
//!   release;
//! - `error CODE\nMESSAGE\nHINT\n`, and exits: CODE is an [`ExitCode`]'s number, HINT may be empty.
//!
//! A client of one release starts the daemon of another: the form does not change.

use std::{
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use crate::{ExitCode, Failure, MAX_TEXT_LEN};

/// The longest report in bytes.
const MAX_LEN: usize = "error 255\n\n\n".len() + 2 * MAX_TEXT_LEN;

/// Reports that a daemon listens on `socket`, in one write: a client of the first release closes
/// the pipe after the first line.
///
/// # Errors
///
/// Those of `out`.
pub fn write_ready(out: &mut impl Write, socket: &Path) -> io::Result<()> {
    let mut report = b"ok\n".to_vec();
    let socket = socket.as_os_str().as_encoded_bytes();
    if !socket.contains(&b'\n') {
        report.extend_from_slice(socket);
        report.push(b'\n');
    }
    out.write_all(&report)
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

/// What a daemon reports: the socket, if it names one.
pub type Report = Result<Option<PathBuf>, Failure>;

/// Reads until the report is complete or cannot become so; `None` if it is not complete: the daemon
/// ended without reporting anything.
pub fn read(mut pipe: impl Read) -> Option<Report> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 512];
    loop {
        let mut report = parse(&bytes);
        let is_half = report == Some(Ok(None));
        if report.is_some() && !is_half || bytes.len() >= MAX_LEN {
            return report;
        }
        // On Windows a daemon of the first release keeps the pipe open; a report is one write.
        if is_half && cfg!(windows) {
            return report;
        }
        match pipe.read(&mut chunk) {
            Ok(len @ 1..) => bytes.extend_from_slice(&chunk[..len]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return report.take_if(|_| is_half),
        }
    }
}

/// `None` if `bytes` are not a complete report. A report without a socket may go on.
fn parse(bytes: &[u8]) -> Option<Report> {
    let mut lines = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map_while(|line| line.strip_suffix(b"\n"));
    let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    match lines.next()? {
        b"ok" => Some(Ok(lines.next().and_then(path))),
        first => {
            let code = text(first.strip_prefix(b"error ")?).parse().ok()?;
            let (message, hint) = (text(lines.next()?), text(lines.next()?));
            Some(Err(Failure {
                code: ExitCode::from_byte(code),
                message,
                hint: (!hint.is_empty()).then_some(hint),
            }))
        }
    }
}

/// The path in a line of a report; `None` if it is not absolute, and thus not a socket's.
fn path(line: &[u8]) -> Option<PathBuf> {
    #[cfg(unix)]
    let path = PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(line));
    #[cfg(not(unix))]
    let path = PathBuf::from(std::str::from_utf8(line).ok()?);
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOCKET: &str = if cfg!(windows) {
        r"\\.\pipe\é"
    } else {
        "/run/é.sock"
    };

    fn written(failure: &Failure) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_failure(&mut bytes, failure).unwrap();
        bytes
    }

    fn listening(socket: Option<&str>) -> Option<Report> {
        Some(Ok(socket.map(PathBuf::from)))
    }

    #[test]
    fn a_report_that_is_written_is_read() {
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
    fn the_socket_is_reported_if_it_fits_a_line() {
        let ready = |socket: &str| {
            let mut bytes = Vec::new();
            write_ready(&mut bytes, Path::new(socket)).unwrap();
            bytes
        };
        assert_eq!(ready(SOCKET), format!("ok\n{SOCKET}\n").as_bytes());
        assert_eq!(read(&*ready(SOCKET)), listening(Some(SOCKET)));
        assert_eq!(ready("/a\nb"), b"ok\n");
        // As a daemon of the first release reports it.
        assert_eq!(read(b"ok\n".as_slice()), listening(None));
        for incomplete in ["ok\n/run/x", "ok\nrelative\n", "ok\n\n"] {
            assert_eq!(
                read(incomplete.as_bytes()),
                listening(None),
                "{incomplete:?}"
            );
        }
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
        let report = format!("ok\n{SOCKET}\n");
        // On Windows a first line that has arrived alone is the whole report.
        let cut = if cfg!(windows) { 1 } else { 4 };
        let (start, rest) = report.as_bytes().split_at(cut);
        let pipe = start[..1].chain(&start[1..]).chain(rest);
        assert_eq!(read(pipe.chain(Broken)), listening(Some(SOCKET)));
        let more = format!("{report}and more");
        assert_eq!(read(more.as_bytes()), listening(Some(SOCKET)));
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("read after the end of the report")
        }
    }
}
