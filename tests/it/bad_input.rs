//! Input that the programs never send over the socket, and invalid arguments.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    time::Duration,
};

use crate::support::{KEY, TestEnv, poll::timed};

#[tokio::test]
async fn malformed_frames_do_not_harm_the_daemon() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid();
    let frames: [&[u8]; 9] = [
        b"",
        b"\0",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\xffGET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x04\0\0\0\x01\x01\xff\xff",
        b"\0\0\0\x04\x01\x01\xff\xff",
        &[0x41; 70_000],
    ];
    for frame in frames {
        let mut stream = UnixStream::connect(env.socket()).unwrap();
        // The daemon may close the connection before it has read everything.
        let _ = stream.write_all(frame);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.len() < 1000, "{answer:?}");
    }
    env.helper().await.printed(KEY);
    assert_eq!(env.daemon_pid(), pid);
}

/// Connections without a complete request are closed after a while and do not delay others.
#[tokio::test]
async fn silent_connections_are_closed() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let mut silent: Vec<_> = (0..300)
        .map(|_| UnixStream::connect(env.socket()).unwrap())
        .collect();
    for stream in silent.iter_mut().skip(150) {
        // There are more than one program may have open, and the oldest are closed.
        let _ = stream.write_all(&[0]);
    }
    env.helper().await.printed(KEY);
    let first = silent.pop().unwrap();
    first
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let end = (&first).read(&mut [0]);
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    let still_waiting = end.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!still_waiting, "the connection was not closed");
}

#[tokio::test]
async fn invalid_arguments_are_usage_errors() {
    let env = TestEnv::with_fixed_key();
    for args in [
        &["--profil", "x"][..],
        &["--profile"],
        &["--format", "xml"],
        &["--timeout-ms", "0"],
        &["--timeout-ms", "soon"],
        &["get"],
        &["--profile", ""],
    ] {
        env.helper_with(args, &[]).await.failed(2, &["hint: "]);
    }
    env.helper_with(&[], &[("CLAVIGER_TIMEOUT_MS", "-1")])
        .await
        .failed(2, &["CLAVIGER_TIMEOUT_MS"]);
    assert!(env.daemon_pid().is_none(), "no daemon was started");
    let unknown = env.claviger(&["sing"]).await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(2), ""));
    assert_eq!(env.claviger(&["status", "none"]).await.code, Some(8));
    env.helper().await.printed(KEY);
    env.claviger(&["status", "none"])
        .await
        .failed(2, &["unknown profile 'none'"]);
    env.claviger(&["refresh", "none"])
        .await
        .failed(2, &["unknown profile 'none'"]);
    env.claviger(&["logout", "none"])
        .await
        .failed(2, &["unknown profile 'none'"]);
}

#[tokio::test]
async fn the_shims_deadline_holds_if_the_daemon_hangs() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let (output, took) = timed(env.helper_with(&["--timeout-ms", "700"], &[])).await;
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    output.failed(8, &["did not answer within 700 ms", "daemon.log"]);
    assert!(took < Duration::from_millis(2500), "{took:?}");
    env.helper().await.printed(KEY);
}
