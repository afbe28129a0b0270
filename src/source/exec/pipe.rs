//! Reading what a program prints, so that it can be interrupted without losing what has come.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::Zeroizing;

/// The most bytes of standard output: four keys of the maximum length.
pub(super) const MAX_STDOUT: usize = 64 * 1024;

/// How many bytes of the end of standard error are kept: the last line and some before it.
const MAX_STDERR: usize = 4 * 1024;

/// Why standard output cannot be used.
#[derive(Debug)]
pub(super) enum ReadError {
    /// More than [`MAX_STDOUT`] bytes.
    TooMuch,
    Io(io::Error),
}

/// Standard output: all of it.
pub(super) struct Stdout<R> {
    from: Option<R>,
    /// Never reallocated, which would leave a copy in memory.
    all: Zeroizing<Vec<u8>>,
}

impl<R: AsyncRead + Unpin> Stdout<R> {
    pub(super) fn new(from: Option<R>) -> Self {
        Self {
            from,
            all: Zeroizing::new(Vec::with_capacity(MAX_STDOUT + 1)),
        }
    }

    /// Reads to the end. If the future is dropped, what has been read is kept.
    ///
    /// # Errors
    ///
    /// [`ReadError`], as soon as there is one byte too many.
    pub(super) async fn drain(&mut self) -> Result<(), ReadError> {
        let Some(from) = &mut self.from else {
            return Ok(());
        };
        while self.all.len() <= MAX_STDOUT {
            match from.read_buf(&mut *self.all).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(ReadError::Io(error)),
            }
        }
        Err(ReadError::TooMuch)
    }

    /// What has been read.
    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.all
    }
}

/// Standard error: its end, which only messages use.
pub(super) struct Stderr<R> {
    from: Option<R>,
    tail: Zeroizing<Vec<u8>>,
}

impl<R: AsyncRead + Unpin> Stderr<R> {
    pub(super) fn new(from: Option<R>) -> Self {
        Self {
            from,
            tail: Zeroizing::new(Vec::with_capacity(2 * MAX_STDERR)),
        }
    }

    /// Reads to the end; an error counts as the end. If the future is dropped, what has been read
    /// is kept.
    pub(super) async fn drain(&mut self) {
        let Some(from) = &mut self.from else {
            return;
        };
        let mut chunk = Zeroizing::new([0; MAX_STDERR]);
        while let Ok(read @ 1..) = from.read(&mut chunk[..]).await {
            self.tail.extend_from_slice(&chunk[..read]);
            let old = self.tail.len().saturating_sub(MAX_STDERR);
            self.tail.drain(..old);
        }
    }

    /// The last bytes that have been read.
    pub(super) fn tail(&self) -> &[u8] {
        &self.tail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_come_is_kept_if_the_end_does_not_come() {
        let (mut program, ours) = tokio::io::duplex(64);
        let mut stdout = Stdout::new(Some(ours));
        tokio::io::AsyncWriteExt::write_all(&mut program, b"sk-1\n")
            .await
            .unwrap();
        tokio::select! {
            biased;
            result = stdout.drain() => panic!("{result:?}"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(stdout.into_bytes().as_slice(), b"sk-1\n");
    }

    #[tokio::test]
    async fn the_limit_is_the_last_byte_that_is_accepted() {
        let text = vec![b'k'; MAX_STDOUT];
        let mut stdout = Stdout::new(Some(text.as_slice()));
        stdout.drain().await.unwrap();
        assert_eq!(stdout.into_bytes().len(), MAX_STDOUT);
        let text = vec![b'k'; MAX_STDOUT + 1];
        let mut stdout = Stdout::new(Some(text.as_slice()));
        assert!(matches!(stdout.drain().await, Err(ReadError::TooMuch)));
        assert!(stdout.into_bytes().capacity() <= MAX_STDOUT + 1);
    }

    #[tokio::test]
    async fn the_end_of_stderr_is_kept() {
        let text = [vec![b'a'; 10_000], b"end".to_vec()].concat();
        let mut stderr = Stderr::new(Some(text.as_slice()));
        stderr.drain().await;
        assert_eq!(stderr.tail().len(), MAX_STDERR);
        assert!(stderr.tail().ends_with(b"aend"));
    }
}
