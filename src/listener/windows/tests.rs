//! Needs Windows, or Wine, which does not enforce access lists, so who is kept out cannot be tried here.

use std::path::PathBuf;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn pipe(test: &str) -> PathBuf {
    PathBuf::from(format!(
        r"\\.\pipe\claviger-test-{}-{test}",
        std::process::id()
    ))
}

#[tokio::test]
async fn what_was_written_is_read_after_the_daemon_has_let_go() {
    let pipe = pipe("whole");
    let mut listener = Listener::bind(&pipe).await.unwrap();
    // More than the pipe's own buffer holds.
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
        let mut stream = connect(&pipe).await.unwrap();
        stream.write_all(b"key").await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.unwrap();
        heard
    };
    let ((), heard) = tokio::join!(serving, asking);
    assert!(heard == answer, "{} bytes came", heard.len());
}

#[tokio::test]
async fn a_live_peer_is_never_unseated() {
    let pipe = pipe("live");
    let mut first = Listener::bind(&pipe).await.unwrap();
    let second = Listener::bind(&pipe).await;
    assert!(matches!(second, Err(BindError::Live(_))));
    // The look leaves as it came.
    let (mut look, _) = first.accept().await.unwrap();
    assert_eq!(look.read(&mut [0]).await.unwrap(), 0);
    let _client = connect(&pipe).await.unwrap();
    first.accept().await.unwrap();
}

#[tokio::test]
async fn the_name_is_free_when_the_listener_is_gone() {
    let pipe = pipe("gone");
    drop(Listener::bind(&pipe).await.unwrap());
    let error = connect(&pipe).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    Listener::bind(&pipe).await.unwrap();
}

#[test]
fn who_never_reads_keeps_nobody() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mute = runtime.block_on(async {
        let pipe = pipe("mute");
        let mut listener = Listener::bind(&pipe).await.unwrap();
        // Not `connect`: tokio reads ahead of whoever asks.
        let mute = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&pipe)
            .unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"answer").await.unwrap();
        let shut = tokio::time::timeout(Duration::from_millis(100), stream.shutdown()).await;
        assert!(shut.is_err(), "nobody has read it");
        mute
    });
    // The runtime waits for the flush: were it not cut off, it would as long as the client lives.
    drop(runtime);
    drop(mute);
}
