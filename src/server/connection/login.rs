//! The answer to a login, which takes as long as the user does: each report is written when it
//! arises. The client cancels the login by closing the connection.

use std::{io, sync::Arc};

use claviger_wire::{ExitCode, Failure, Login, Response};
use tokio::{io::AsyncWriteExt as _, sync::mpsc};

use super::{too_many_wait, within};
use crate::{
    listener::{Connection, Peer},
    server::{admission::Place, daemon::Daemon, limits::Limits},
};

/// The most reports that wait for a client. A login has about five.
const MAX_REPORTS: usize = 8;

/// Signs the user in, and writes each report when it arises.
pub(super) async fn serve(
    mut stream: impl Connection,
    peer: Peer,
    request: &Login,
    daemon: &Arc<Daemon>,
    limits: Limits,
    place: &Place,
) {
    tracing::debug!(pid = peer.pid, ?request, "request");
    let (sender, mut reports) = mpsc::channel(MAX_REPORTS);
    // Boxed: see `connection::serve`.
    let mut answer = Box::pin(daemon.log_in(request, &sender));
    let written = loop {
        let response = tokio::select! {
            biased;
            Some(report) = reports.recv() => report,
            last = &mut answer => last,
            () = stream.closed() => {
                tracing::debug!(pid = peer.pid, "the client of a login has gone");
                return;
            }
            () = place.displaced() => Response::Failure(too_many_wait()),
            () = daemon.shutdown.listener_closed() => Response::Failure(ending()),
        };
        let is_last = response.ends_answer();
        let mut responses = Vec::new();
        // The answer may end with reports that have not been written.
        while let Some(report) = is_last.then(|| reports.try_recv().ok()).flatten() {
            responses.push(report);
        }
        responses.push(response);
        let written = within(limits.response, write(&mut stream, &responses)).await;
        if is_last || written.is_err() {
            break written;
        }
    };
    if let Err(error) = written {
        tracing::debug!(pid = peer.pid, %error, "could not send a step of a login");
    }
}

async fn write(stream: &mut impl Connection, responses: &[Response]) -> io::Result<()> {
    for response in responses {
        stream.write_all(&response.encode()).await?;
    }
    match responses.last() {
        Some(last) if last.ends_answer() => stream.shutdown().await,
        _ => stream.flush().await,
    }
}

/// The failure of a login that the end of the daemon cancels.
fn ending() -> Failure {
    Failure::new(
        ExitCode::DaemonUnavailable,
        "the daemon ends, and with it the sign-in",
        "run claviger login again",
    )
}
