//! Tests for Windows or Wine. Wine does not enforce access lists, so they are not tested here.

use std::{path::PathBuf, time::Duration};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn pipe(test: &str) -> PathBuf {
    PathBuf::from(format!(
        r"\\.\pipe\claviger-test-{}-{test}",
        std::process::id()
    ))
}

#[tokio::test]
async fn an_answer_is_read_after_the_daemon_has_closed_the_connection() {
    let pipe = pipe("whole");
    let mut listener = Listener::bind(&pipe).await.unwrap();
    // More than the pipe's own buffer contains.
    let answer = vec![7; 100_000];
    let serving = async {
        let (mut stream, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.pid, Some(std::process::id()));
        let mut question = [0; 3];
        stream.read_exact(&mut question).await.unwrap();
        assert_eq!(&question, b"key");
        stream.write_all(&answer).await.unwrap();
        stream.shutdown().await.unwrap();
    };
    let asking = async {
        let mut stream = open(&pipe).unwrap();
        stream.write_all(b"key").await.unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.unwrap();
        received
    };
    let ((), received) = tokio::join!(serving, asking);
    assert!(received == answer, "{} bytes received", received.len());
}

#[tokio::test]
async fn a_pipe_with_a_listener_is_not_touched() {
    let pipe = pipe("live");
    let mut first = Listener::bind(&pipe).await.unwrap();
    let second = Listener::bind(&pipe).await;
    assert!(matches!(second, Err(BindError::Live(_))));
    // The check of the second daemon closes its connection.
    let (mut check, _) = first.accept().await.unwrap();
    assert_eq!(check.read(&mut [0]).await.unwrap(), 0);
    let _client = open(&pipe).unwrap();
    first.accept().await.unwrap();
}

#[tokio::test]
async fn the_name_is_free_after_the_listener_is_dropped() {
    let pipe = pipe("dropped");
    drop(Listener::bind(&pipe).await.unwrap());
    let error = open(&pipe).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    Listener::bind(&pipe).await.unwrap();
}

#[test]
fn a_client_that_never_reads_does_not_keep_the_daemon_from_ending() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let idle_client = runtime.block_on(async {
        let pipe = pipe("unread");
        let mut listener = Listener::bind(&pipe).await.unwrap();
        // Not `open`: tokio reads before it is asked to.
        let client = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&pipe)
            .unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"answer").await.unwrap();
        let shut = tokio::time::timeout(Duration::from_millis(100), stream.shutdown()).await;
        assert!(shut.is_err(), "it is not read");
        client
    });
    // The runtime waits for the flush, which would last as long as the client.
    drop(runtime);
    drop(idle_client);
}
