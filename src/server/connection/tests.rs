//! Faulty peers: each one costs its own connection at most the deadline.

use std::{path::PathBuf, sync::Arc};

use claviger_wire as wire;
use tokio::io::{AsyncReadExt as _, DuplexStream};

use super::*;
use crate::{
    clock::SystemClock,
    config::{Locations, Origin},
    desktop::fake::FakeDesktop,
    server::{DaemonOptions, Shutdown, admission::Admission},
    trust::ManagedOwner,
};

impl Connection for DuplexStream {
    async fn closed(&mut self) {
        while !matches!(self.read(&mut [0; 8]).await, Ok(0) | Err(_)) {}
    }
}

/// A daemon without a configuration.
fn daemon() -> Arc<Daemon> {
    let options = DaemonOptions {
        origin: Origin::Files(Locations {
            managed: PathBuf::from("/nonexistent/managed.toml"),
            user: None,
            explicit: None,
            managed_owner: ManagedOwner::of_this_machine(),
        }),
        socket: PathBuf::from("/nonexistent/agent.sock"),
        is_usual_socket: true,
        executable: None,
        clock: Arc::new(SystemClock),
        jitter: Arc::new(|| 0.5),
        desktop: Arc::new(FakeDesktop::default()),
        state_dir: PathBuf::from("/nonexistent/state"),
        log: None,
        log_error: None,
    };
    Arc::new(Daemon::new(options, Shutdown::new()))
}

fn limits() -> Limits {
    Limits {
        request: Duration::from_millis(50),
        ..Limits::new(None)
    }
}

fn peer(user: PeerUser) -> Peer {
    Peer {
        pid: None,
        process: None,
        user,
    }
}

fn admission() -> Admission {
    Admission::new(&limits(), Arc::new(SystemClock))
}

/// The answer to a peer that sends `bytes` and then closes its side if `closes`.
async fn answer_to(bytes: &[u8], closes: bool) -> Vec<u8> {
    answer_for(PeerUser::Own, bytes, closes).await
}

/// [`answer_to`], for a peer of this user.
async fn answer_for(user: PeerUser, bytes: &[u8], closes: bool) -> Vec<u8> {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let place = admission().admit(None);
    let served = tokio::spawn(async move {
        serve(server, peer(user), &daemon(), limits(), place).await;
    });
    client.write_all(bytes).await.unwrap();
    if closes {
        client.shutdown().await.unwrap();
    }
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    served.await.unwrap();
    answer
}

fn failure(answer: &[u8]) -> Failure {
    match Response::decode(&answer[wire::HEADER_LEN..]).unwrap() {
        Response::Failure(failure) => failure,
        other => panic!("not a failure: {other:?}"),
    }
}

fn acquire() -> Vec<u8> {
    Request::Acquire(wire::Acquire::default()).encode()
}

#[tokio::test]
async fn without_a_configuration_the_answer_names_the_files() {
    let failure = failure(&answer_to(&acquire(), false).await);
    assert_eq!(failure.code, ExitCode::Usage);
    assert!(
        failure.message.contains("/nonexistent/managed.toml"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_peer_that_sends_nothing_gets_no_answer() {
    assert!(answer_to(&[], true).await.is_empty());
}

#[tokio::test]
async fn a_stalled_peer_gets_no_answer() {
    assert!(answer_to(&acquire()[..7], false).await.is_empty());
}

#[tokio::test]
async fn a_peer_that_closes_within_a_frame_gets_no_answer() {
    assert!(answer_to(&acquire()[..7], true).await.is_empty());
}

#[tokio::test]
async fn an_oversize_frame_is_rejected_by_its_header() {
    let failure = failure(&answer_to(&u32::MAX.to_be_bytes(), false).await);
    assert_eq!(failure.code, ExitCode::DaemonUnavailable);
    assert!(
        failure.message.contains("does not understand"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn garbage_is_rejected() {
    let mut garbage = 6u32.to_be_bytes().to_vec();
    garbage.extend_from_slice(&[1, 1, 9, 255, 255, 7]);
    let failure = failure(&answer_to(&garbage, false).await);
    assert_eq!(failure.code, ExitCode::DaemonUnavailable);
}

#[tokio::test]
async fn a_request_of_a_newer_shim_is_answered() {
    let mut newer = 2u32.to_be_bytes().to_vec();
    newer.extend_from_slice(&[9, 77]);
    let answer = answer_to(&newer, false).await;
    let unsupported = Response::Unsupported {
        version: wire::VERSION,
    };
    assert_eq!(
        Response::decode(&answer[wire::HEADER_LEN..]),
        Ok(unsupported)
    );
}

#[tokio::test]
async fn root_gets_no_key_of_another_user() {
    let failure = failure(&answer_for(PeerUser::Root, &acquire(), false).await);
    assert_eq!(failure.code, ExitCode::Denied);
    assert!(failure.message.contains("root"), "{}", failure.message);
}

#[tokio::test]
async fn a_login_is_answered_for_the_user_alone() {
    let login = Request::Login(wire::Login::default()).encode();
    let failure = |answer: Vec<u8>| failure(&answer);
    let own = failure(answer_to(&login, false).await);
    assert_eq!(own.code, ExitCode::Usage, "{own:?}");
    assert!(own.message.contains("/nonexistent/managed.toml"), "{own:?}");
    let root = failure(answer_for(PeerUser::Root, &login, false).await);
    assert_eq!(root.code, ExitCode::Denied, "{root:?}");
}

#[tokio::test]
async fn a_silent_connection_that_gives_way_is_closed() {
    let (mut client, server) = tokio::io::duplex(64);
    let admission = admission();
    let place = admission.admit(None);
    let served = tokio::spawn(async move {
        let limits = Limits {
            request: Duration::from_secs(3600),
            ..limits()
        };
        serve(server, peer(PeerUser::Own), &daemon(), limits, place).await;
    });
    admission.give_way();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    served.await.unwrap();
}

/// The answer to a request needs several kilobytes, which a silent connection must not have.
#[test]
fn a_connection_without_a_request_needs_little_memory() {
    let (_client, server) = tokio::io::duplex(64);
    let (daemon, place) = (daemon(), admission().admit(None));
    let served = serve(server, peer(PeerUser::Own), &daemon, limits(), place);
    assert!(size_of_val(&served) < 2048, "{}", size_of_val(&served));
}
