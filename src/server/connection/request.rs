//! Reads the frame of a request.

use std::io;

use claviger_wire::{self as wire, Request};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::Zeroizing;

/// The memory for the first bytes of a body: almost every request fits.
const FIRST_CHUNK: usize = 512;

/// Reads one request frame; `None` if the peer closes before the first byte. `on_first_byte` is
/// called after that.
///
/// # Errors
///
/// The outer error if the stream fails or ends within the frame; the inner one, which is the answer
/// to the peer, if the frame is invalid.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    on_first_byte: impl FnOnce(),
) -> io::Result<Option<Result<Request, String>>> {
    let mut header = [0; wire::HEADER_LEN];
    if stream.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    on_first_byte();
    stream.read_exact(&mut header[1..]).await?;
    let len = match wire::body_len(header) {
        Ok(len) => len,
        Err(error) => return Ok(Some(Err(error.to_string()))),
    };
    let body = read_body(stream, len).await?;
    Ok(Some(
        Request::decode(&body).map_err(|error| error.to_string()),
    ))
}

/// Reads `len` bytes, which are wiped after use. Memory is allocated as they arrive: a peer that
/// only announces them costs little.
async fn read_body(
    stream: &mut (impl AsyncRead + Unpin),
    len: usize,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut body = Zeroizing::new(vec![0; len.min(FIRST_CHUNK)]);
    let mut filled = 0;
    loop {
        stream.read_exact(&mut body[filled..]).await?;
        filled = body.len();
        if filled == len {
            return Ok(body);
        }
        // Not `resize`, which would leave a copy of the bytes behind.
        let mut longer = Zeroizing::new(vec![0; len.min(2 * filled)]);
        longer[..filled].copy_from_slice(&body);
        body = longer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_of_any_length_is_read_whole() {
        for len in [1, 511, 512, 513, 1024, 1025, wire::MAX_BODY] {
            let sent: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            let mut stream = sent.as_slice();
            assert_eq!(*read_body(&mut stream, len).await.unwrap(), sent);
            assert!(read_body(&mut &sent[1..], len).await.is_err());
        }
    }
}
