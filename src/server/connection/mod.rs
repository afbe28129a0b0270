//! One connection: one request and its answer. Each phase has its own deadline.

use std::{io, time::Duration};

use claviger_wire::{self as wire, ExitCode, Failure, Request, Response};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};
use zeroize::Zeroizing;

use super::{daemon::Daemon, limits::Limits};
use crate::listener::Peer;

/// Serves one connection.
pub(super) async fn serve<S>(mut stream: S, peer: Peer, daemon: &Daemon, limits: Limits)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let responses = match within(limits.request, read_request(&mut stream)).await {
        Ok(Some(Ok(request))) => daemon.handle(request, peer).await,
        Ok(Some(Err(reason))) => {
            tracing::debug!(pid = peer.pid, reason, "invalid request");
            vec![Response::Failure(Failure {
                code: ExitCode::DaemonUnavailable,
                message: format!("the daemon does not understand the request: {reason}"),
                hint: Some(
                    "run claviger stop, so that the installed version is started".to_owned(),
                ),
            })]
        }
        // A daemon that starts connects like this to see if another one listens.
        Ok(None) => return,
        Err(error) => {
            tracing::debug!(pid = peer.pid, %error, "received no request");
            return;
        }
    };
    let written = within(limits.response, async {
        for response in &responses {
            // Wiped even if the peer does not read it.
            let frame = Zeroizing::new(response.encode());
            stream.write_all(&frame).await?;
        }
        stream.shutdown().await
    });
    if let Err(error) = written.await {
        tracing::debug!(pid = peer.pid, %error, "could not send the answer");
    }
}

/// Reads one request frame; `None` if the peer closes before the first byte.
///
/// # Errors
///
/// The outer error if the stream fails or ends within the frame; the inner one, which is the answer
/// to the peer, if the frame is invalid.
async fn read_request<S: AsyncRead + Unpin>(
    stream: &mut S,
) -> io::Result<Option<Result<Request, String>>> {
    let mut header = [0; wire::HEADER_LEN];
    if stream.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut header[1..]).await?;
    let len = match wire::body_len(header) {
        Ok(len) => len,
        Err(error) => return Ok(Some(Err(error.to_string()))),
    };
    // A request may contain variables that are secrets.
    let mut body = Zeroizing::new(vec![0; len]);
    stream.read_exact(&mut body).await?;
    Ok(Some(
        Request::decode(&body).map_err(|error| error.to_string()),
    ))
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests;
