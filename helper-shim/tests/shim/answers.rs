//! What the daemon answers, and what the shim makes of it.

use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::thread;

use claviger_wire::{Failure, Format, MAX_BODY, MAX_KEY_LEN, Response};

use crate::harness::{Place, SECRET, credential, read_request, run};

#[test]
fn every_format_is_printed() {
    let cases = [
        (vec![], format!("{SECRET}\n")),
        (vec!["--format", "key"], format!("{SECRET}\n")),
        (
            vec!["--format=headers"],
            format!("{{\"Authorization\":\"Bearer {SECRET}\"}}\n"),
        ),
        (
            vec!["--format", "json"],
            format!(
                "{{\"token\":\"{SECRET}\",\"headers\":{{\"Authorization\":\"Bearer {SECRET}\"}},\
                 \"expires_at\":\"2026-11-21T08:13:05Z\"}}\n"
            ),
        ),
    ];
    for (args, stdout) in cases {
        Place::new()
            .answered(&args, &credential(SECRET))
            .printed(&stdout);
    }
}

#[test]
fn the_request_says_what_the_environment_says() {
    let place = Place::new();
    let daemon = place.serve(vec![credential(SECRET), credential(SECRET)]);
    let child = place
        .shim(&[
            "--profile",
            "work",
            "--format",
            "headers",
            "--timeout-ms",
            "50000",
            "--reveal",
        ])
        .env("CLAVIGER_PROFILE", "home")
        .env("ANTHROPIC_BASE_URL", "https://gw.example.com/")
        .env("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "0")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    assert!(child.wait_with_output().unwrap().status.success());
    let mut bare = place.shim(&[]);
    let bare = bare
        .env("CLAVIGER_PROFILE", "")
        .env("ANTHROPIC_BASE_URL", "");
    run(bare.env("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "soon")).printed(&format!("{SECRET}\n"));

    let [full, bare] = daemon.join().unwrap().try_into().unwrap();
    assert_eq!(full.profile.as_deref(), Some("work"));
    assert_eq!(full.gateway.as_deref(), Some("https://gw.example.com/"));
    assert_eq!((full.cache_lifetime_ms, full.format), (0, Format::Headers));
    assert!(
        (1..=50_000).contains(&full.deadline_ms),
        "{}",
        full.deadline_ms
    );
    // Nothing is revealed: stdout is no terminal.
    assert_eq!((full.reveal, full.pid), (false, Some(pid)));
    assert_eq!(
        (bare.profile, bare.gateway, bare.cache_lifetime_ms),
        (None, None, 300_000)
    );
}

#[test]
fn every_failure_code_is_passed_on() {
    for code in [2, 3, 4, 5, 6, 7, 8, 0, 1, 9, 255] {
        let message = "profile \"work\" needs a login\x1b[0m".to_owned();
        let hint = Some("run claviger login work".to_owned());
        let failure = Response::Failure(Failure {
            code,
            message,
            hint,
        });
        let expected = if (2..=8).contains(&code) { code } else { 8 };
        let run = Place::new().answered(&[], &failure.encode());
        run.failed(expected.into(), &[]);
        let stderr = "claviger: profile \"work\" needs a login[0m\nhint: run claviger login work\n";
        assert_eq!(run.stderr, stderr);
    }
}

#[test]
fn a_key_that_the_client_would_refuse_is_refused() {
    let longest = "k".repeat(MAX_KEY_LEN);
    Place::new()
        .answered(&[], &credential(&longest))
        .printed(&format!("{longest}\n"));
    let long = format!("{longest}k");
    // A daemon that writes it all the same.
    let mut raw = vec![0, 0, 0x40, 6, 1, 129, 1, 0x40, 1];
    raw.extend(long.as_bytes());
    Place::new()
        .answered(&[], &raw)
        .failed(6, &["16384 characters"]);
    for (bad, what) in [
        (String::new(), "empty"),
        (format!("Bearer {SECRET}"), "white space"),
        (format!("{SECRET}\n"), "white space"),
        (format!("{SECRET}\r\n{SECRET}"), "white space"),
        (format!("{SECRET}é"), "printable ASCII"),
        (format!("{SECRET}\0"), "printable ASCII"),
        (long, "longer than 16384"),
    ] {
        for format in ["key", "headers", "json"] {
            Place::new()
                .answered(&["--format", format], &credential(&bad))
                .failed(6, &[what]);
        }
    }
}

#[test]
fn an_answer_that_is_none_is_the_daemons_fault() {
    let oversize = (MAX_BODY as u32 + 1).to_be_bytes();
    let credential = credential(SECRET);
    let half = &credential[..credential.len() / 2];
    let cases: [(&[u8], &str); 10] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "frame over"),
        (&[0; 64], "empty frame"),
        (&oversize, "frame over"),
        (half, "ends in the middle"),
        (&credential[..2], "ends in the middle"),
        (&[0, 0, 0, 2, 0, 132], "version 0"),
        (&[0, 0, 0, 2, 1, 129], "\"token\" is missing"),
        (&[0, 0, 0, 2, 9, 77], "run claviger stop"),
        (&[0, 0, 0, 6, 1, 133, 1, 0, 1, 1], "run claviger stop"),
        (&[0, 0, 0, 2, 1, 132], "run claviger stop"),
    ];
    for (bytes, part) in cases {
        Place::new().answered(&[], bytes).failed(8, &[part]);
    }
}

#[test]
fn a_stalled_daemon_is_waited_for_until_the_deadline() {
    // Nobody accepts; nobody answers; half an answer.
    for answer in [None, Some(vec![]), Some(credential(SECRET)[..20].to_vec())] {
        let place = Place::new();
        let listener = UnixListener::bind(place.socket()).unwrap();
        let held = listener.try_clone().unwrap();
        let daemon = answer.map(|bytes| {
            thread::spawn(move || {
                let (mut stream, _) = held.accept().unwrap();
                read_request(&mut stream);
                std::io::Write::write_all(&mut stream, &bytes).unwrap();
                stream
            })
        });
        let run = run(&mut place.shim(&["--timeout-ms", "300"]));
        let log = place.path("state/daemon.log");
        run.failed(8, &["did not answer within 300 ms", log.to_str().unwrap()]);
        drop(daemon.map(|thread| thread.join().unwrap()));
    }
}

#[test]
fn a_daemon_that_goes_away_is_asked_again_once() {
    let place = Place::new();
    let daemon = place.serve(vec![vec![], credential(SECRET)]);
    run(&mut place.shim(&[])).printed(&format!("{SECRET}\n"));
    assert_eq!(daemon.join().unwrap().len(), 2);

    let place = Place::new();
    let daemon = place.serve(vec![vec![], vec![]]);
    run(&mut place.shim(&[])).failed(8, &["goes away without an answer", "daemon.log"]);
    daemon.join().unwrap();
}

#[test]
fn the_key_is_written_at_once() {
    let longest = "k".repeat(MAX_KEY_LEN);
    let place = Place::new();
    let daemon = place.serve(vec![credential(&longest)]);
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    let status = place
        .shim(&[])
        .stdout(OwnedFd::from(theirs))
        .status()
        .unwrap();
    assert!(status.success());
    daemon.join().unwrap();
    let mut buffer = vec![0; 2 * MAX_KEY_LEN];
    let len = ours.recv(&mut buffer).unwrap();
    assert_eq!(buffer[..len], *format!("{longest}\n").as_bytes());
}

#[test]
fn a_client_that_is_gone_is_not_complained_to() {
    let place = Place::new();
    let daemon = place.serve(vec![credential(SECRET)]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = place.shim(&[]).stdout(writer).output().unwrap();
    assert!(
        matches!(output.status.code(), Some(code) if code != 0),
        "{output:?}"
    );
    assert_eq!(output.stderr, b"");
    daemon.join().unwrap();
}

#[test]
fn the_command_line_is_checked_before_anything_is_asked() {
    let place = Place::new();
    run(&mut place.shim(&["--profil", "x"])).failed(2, &["--profil", "did you mean --profile?"]);
    run(&mut place.shim(&["--format", "yaml"])).failed(2, &["key, headers or json"]);
    run(place.shim(&[]).env("CLAVIGER_TIMEOUT_MS", "8s")).failed(2, &["CLAVIGER_TIMEOUT_MS"]);
    let help = run(&mut place.shim(&["--help"]));
    assert!(
        help.code == Some(0) && help.stdout.contains("--timeout-ms"),
        "{help:?}"
    );
    run(&mut place.shim(&["--version"])).printed(concat!(
        "claviger-helper ",
        env!("CARGO_PKG_VERSION"),
        "\n"
    ));
}
