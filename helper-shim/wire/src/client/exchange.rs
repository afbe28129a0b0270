//! The blocking reader and writer of frames: one request and its whole answer.

use std::io::{self, ErrorKind, Read, Write};

use crate::{HEADER_LEN, Request, Response, body_len, wipe};

/// An answer that did not arrive.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExchangeError {
    /// The daemon closed the connection before the answer began: it is ending or was killed, and
    /// another one may answer.
    Closed,
    /// The answer is incomplete or does not follow the format.
    Invalid(String),
}

/// Writes `request` and reads responses until the one that [ends the
/// answer](Response::ends_answer), which is the last one.
///
/// # Errors
///
/// [`ExchangeError`].
pub(super) fn exchange(
    stream: impl Read + Write,
    request: &Request,
) -> Result<Vec<Response>, ExchangeError> {
    let mut answer = Vec::new();
    exchange_each(stream, request, &mut |response| answer.push(response))?;
    Ok(answer)
}

/// As [`exchange`]. `on_response` gets each response when it arrives.
///
/// # Errors
///
/// [`ExchangeError::Closed`] only before the first response.
pub(super) fn exchange_each(
    mut stream: impl Read + Write,
    request: &Request,
    on_response: &mut dyn FnMut(Response),
) -> Result<(), ExchangeError> {
    let mut frame = request.encode();
    // A daemon that ends while the request is written may have answered before.
    let _ = stream.write_all(&frame);
    wipe(&mut frame);
    let mut has_begun = false;
    loop {
        match read_response(&mut stream) {
            Ok(response) => {
                let is_last = response.ends_answer();
                on_response(response);
                if is_last {
                    return Ok(());
                }
                has_begun = true;
            }
            Err(ExchangeError::Closed) if has_begun => return Err(incomplete()),
            Err(error) => return Err(error),
        }
    }
}

fn read_response(stream: &mut impl Read) -> Result<Response, ExchangeError> {
    let mut header = [0; HEADER_LEN];
    match read(stream, &mut header) {
        Ok(HEADER_LEN) => {}
        Ok(0) => return Err(ExchangeError::Closed),
        Ok(_) => return Err(incomplete()),
        Err(error) if is_closed(&error) => return Err(ExchangeError::Closed),
        Err(error) => {
            let problem = format!("cannot read the daemon's response: {error}");
            return Err(ExchangeError::Invalid(problem));
        }
    }
    let mut body = vec![0; body_len(header).map_err(unexpected)?];
    let response = match read(stream, &mut body) {
        Ok(len) if len == body.len() => Response::decode(&body).map_err(unexpected),
        _ => Err(incomplete()),
    };
    wipe(&mut body);
    response
}

/// Fills `buffer` as far as the stream goes and returns the length in bytes. Fails only if nothing
/// was read before the error.
fn read(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match stream.read(&mut buffer[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) if len > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    )
}

fn incomplete() -> ExchangeError {
    ExchangeError::Invalid("incomplete response from the daemon".to_owned())
}

fn unexpected(error: impl std::error::Error) -> ExchangeError {
    ExchangeError::Invalid(format!("unexpected response from the daemon: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer that answers with fixed bytes, one at a time, and closes the connection.
    struct Peer {
        request: Vec<u8>,
        answer: Vec<u8>,
    }

    impl Read for Peer {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.answer.is_empty() {
                return Ok(0);
            }
            buffer[0] = self.answer.remove(0);
            Ok(1)
        }
    }

    impl Write for Peer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.request.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Peer {
        fn answering(answer: Vec<u8>) -> Self {
            Self {
                request: Vec::new(),
                answer,
            }
        }
    }

    fn report() -> Response {
        Response::Report("{}".to_owned())
    }

    #[test]
    fn responses_are_read_until_the_answer_ends() {
        let answer = [report(), report(), Response::Done];
        let mut bytes: Vec<u8> = answer.iter().flat_map(Response::encode).collect();
        // Bytes after the end of the answer are not read.
        bytes.extend(Response::Done.encode());
        let mut peer = Peer::answering(bytes);
        assert_eq!(exchange(&mut peer, &Request::Stop), Ok(answer.to_vec()));
        assert_eq!(peer.request, Request::Stop.encode());
        assert_eq!(peer.answer, Response::Done.encode());
    }

    #[test]
    fn a_connection_that_is_closed_early_is_told_from_half_an_answer() {
        let frame = report().encode();
        let cases = [
            (Vec::new(), ExchangeError::Closed),
            (frame[..2].to_vec(), incomplete()),
            (frame[..frame.len() - 1].to_vec(), incomplete()),
            (frame, incomplete()),
        ];
        for (answer, expected) in cases {
            let error = exchange(Peer::answering(answer), &Request::Stop).unwrap_err();
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn bytes_outside_the_format_are_an_error() {
        for bytes in [vec![0; 8], vec![255; 8], vec![0, 0, 0, 2, 0, 132]] {
            let error = exchange(Peer::answering(bytes), &Request::Stop).unwrap_err();
            assert!(matches!(error, ExchangeError::Invalid(_)), "{error:?}");
        }
    }
}
