//! One request and its answer.

use std::io::{self, ErrorKind, Read, Write};

use claviger_wire::{Acquire, Failure, HEADER_LEN, Request, Response, body_len, wipe};

use crate::failure::{UNAVAILABLE, failure};
use crate::settings::Daemon;

/// Asks, and reads the answer. `None` where the daemon goes away without having said anything: it ends just now, or has
/// crashed, and another one may answer.
///
/// # Errors
///
/// Code 8 for half an answer, or one that does not follow the format.
pub(crate) fn exchange(
    mut stream: impl Read + Write,
    acquire: &Acquire,
    daemon: &Daemon,
) -> Result<Option<Response>, Failure> {
    let broken = |message: String| failure(UNAVAILABLE, message, daemon.see_log());
    // A daemon that ends while we write may have answered before.
    let _ = stream.write_all(&Request::Acquire(acquire.clone()).encode());

    let mut header = [0; HEADER_LEN];
    match read(&mut stream, &mut header) {
        Ok(HEADER_LEN) => {}
        Ok(0) => return Ok(None),
        Ok(_) => return Err(broken("the daemon's answer ends in the middle".to_owned())),
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(broken(format!("cannot read the daemon's answer: {error}"))),
    }
    let len = body_len(header)
        .map_err(|error| broken(format!("the daemon's answer cannot be read: {error}")))?;

    let mut body = vec![0; len];
    let response = match read(&mut stream, &mut body) {
        Ok(got) if got == len => Response::decode(&body)
            .map_err(|error| broken(format!("the daemon's answer cannot be read: {error}"))),
        _ => Err(broken("the daemon's answer ends in the middle".to_owned())),
    };
    wipe(&mut body);
    response.map(Some)
}

/// Fills `buffer` as far as the stream goes. An error only where nothing came before it.
fn read(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match stream.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) if got > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    )
}
