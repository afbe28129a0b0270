//! One connection: one request, its answer, the end. Each phase has its deadline.

use std::{io, time::Duration};

use claviger_wire::{self as wire, Failure, Request, Response};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};
use zeroize::Zeroizing;

use super::{handler::Daemon, limits::Limits};
use crate::{error_report, listener::Peer};

/// Serves one connection.
pub(super) async fn serve<S>(mut stream: S, peer: Peer, daemon: &Daemon, limits: Limits)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let responses = match within(limits.request, read_request(&mut stream)).await {
        Ok(Some(Ok(request))) => daemon.handle(request, peer).await,
        Ok(Some(Err(why))) => {
            tracing::debug!(pid = peer.pid, why, "not a request");
            vec![Response::Failure(Failure {
                code: error_report::DAEMON,
                message: format!("the daemon does not understand the request: {why}"),
                hint: Some(
                    "run claviger stop, so that the installed version is started".to_owned(),
                ),
            })]
        }
        // Another daemon's look whether somebody listens here.
        Ok(None) => return,
        Err(error) => {
            tracing::debug!(pid = peer.pid, %error, "no request came");
            return;
        }
    };
    let written = within(limits.response, async {
        for response in &responses {
            // Wiped also where the peer does not take it.
            let frame = Zeroizing::new(response.encode());
            stream.write_all(&frame).await?;
        }
        stream.shutdown().await
    });
    if let Err(error) = written.await {
        tracing::debug!(pid = peer.pid, %error, "the answer was not taken");
    }
}

/// `None` where the other side closes without a word; the inner error is for the other side to read.
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
    let mut body = vec![0; len];
    stream.read_exact(&mut body).await?;
    Ok(Some(
        Request::decode(&body).map_err(|error| error.to_string()),
    ))
}

async fn within<T>(limit: Duration, what: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, what)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests;
