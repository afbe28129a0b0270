//! One connection: one request and its answer. Each phase has its own deadline.

mod login;
mod request;

use std::{io, sync::Arc, time::Duration};

use claviger_wire::{ExitCode, Failure, Request, Response};
use tokio::{io::AsyncWriteExt as _, time::timeout};
use zeroize::Zeroizing;

use super::{access, admission::Place, daemon::Daemon, limits::Limits, places::Phase};
use crate::listener::{Connection, Peer, PeerUser};

/// Serves one connection, until it is answered, the peer goes or the connection must give way.
pub(super) async fn serve(
    mut stream: impl Connection,
    peer: Peer,
    daemon: &Arc<Daemon>,
    limits: Limits,
    place: Place,
) {
    let on_first_byte = || place.enter(Phase::Asking);
    let request = tokio::select! {
        request = within(limits.request, request::read(&mut stream, on_first_byte)) => request,
        () = place.displaced() => {
            tracing::debug!(pid = peer.pid, "closed a connection without a request");
            return;
        }
    };
    let responses = match request {
        Ok(Some(Ok(request))) => {
            place.enter(Phase::Waiting);
            if let (Request::Login(request), PeerUser::Own) = (&request, peer.user) {
                return login::serve(stream, peer, request, daemon, limits, &place).await;
            }
            // Boxed: a connection without a request needs little memory.
            let answer = Box::pin(answer(request, peer, daemon));
            tokio::select! {
                biased;
                responses = answer => responses,
                () = stream.closed() => {
                    tracing::debug!(pid = peer.pid, "the client has gone");
                    return;
                }
                () = place.displaced() => vec![Response::Failure(too_many_wait())],
            }
        }
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
    place.enter(Phase::Reading);
    let written = within(limits.response, async {
        for response in &responses {
            // Wiped even if the peer does not read it.
            let frame = Zeroizing::new(response.encode());
            stream.write_all(&frame).await?;
        }
        stream.shutdown().await
    });
    let written = tokio::select! {
        written = written => written,
        () = place.displaced() => Err(io::ErrorKind::TimedOut.into()),
    };
    if let Err(error) = written {
        tracing::debug!(pid = peer.pid, %error, "could not send the answer");
    }
}

/// Answers a request. If this is dropped, because the peer has gone, a logout and a change of the
/// lock go on: they are not to be left half done. What the others have started goes on in the
/// broker.
async fn answer(request: Request, peer: Peer, daemon: &Arc<Daemon>) -> Vec<Response> {
    let refusal = access::refusal(peer.user, &request);
    if peer.user == PeerUser::Root {
        let is_refused = refusal.is_some();
        tracing::info!(
            event = "root-request",
            pid = peer.pid,
            is_refused,
            "received a request of root"
        );
    }
    if let Some(failure) = refusal {
        return vec![Response::Failure(failure)];
    }
    let is_whole = matches!(
        request,
        Request::Logout { .. } | Request::Lock | Request::Unlock
    );
    if !is_whole {
        return daemon.handle(request, peer).await;
    }
    let daemon = Arc::clone(daemon);
    let task = tokio::spawn(async move { daemon.handle(request, peer).await });
    // It fails only if the daemon ends, which closes the connection.
    task.await.unwrap_or_default()
}

/// The failure for a request that gives its place to another.
fn too_many_wait() -> Failure {
    Failure::new(
        ExitCode::DaemonUnavailable,
        "too many requests are waiting for their source",
        "run claviger status, which shows the source's last error",
    )
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests;
