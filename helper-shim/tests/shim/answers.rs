//! The daemon's answers, and what the shim prints for them.

use std::{
    io,
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixListener},
    },
    thread,
};

use claviger_wire::{ExitCode, Failure, Format, MAX_BODY, MAX_KEY_LEN, Response};

use crate::harness::{SECRET, TestEnv, credential, read_request, run};

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
        (
            vec!["--format", "oauth"],
            format!(
                "{{\"access_token\":\"{SECRET}\",\"token_type\":\"Bearer\",\"expires_in\":3599}}\n"
            ),
        ),
    ];
    for (args, stdout) in cases {
        TestEnv::new()
            .answered(&args, &credential(SECRET))
            .printed(&stdout);
    }
}

#[test]
fn the_request_contains_options_and_variables() {
    let env = TestEnv::new();
    let daemon = env.serve(vec![credential(SECRET), credential(SECRET)]);
    let child = env
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
    let mut bare = env.shim(&[]);
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
    // Nothing is revealed, because stdout is not a terminal.
    assert_eq!((full.reveal, full.pid), (false, Some(pid)));
    assert_eq!(
        (bare.profile, bare.gateway, bare.cache_lifetime_ms),
        (None, None, 300_000)
    );
}

#[test]
fn every_failure_code_is_passed_on() {
    for code in [2, 3, 4, 5, 6, 7, 8, 0, 1, 9, 255] {
        let failure = Failure::new(
            ExitCode::Usage,
            "profile 'work' requires a login\x1b[0m",
            "log in to 'v'",
        );
        let mut frame = Response::Failure(failure).encode();
        // Behind the header, version, kind, tag and length; a newer daemon may send another code.
        assert_eq!(frame[9], 2);
        frame[9] = code;
        let expected = if (2..=8).contains(&code) { code } else { 8 };
        let run = TestEnv::new().answered(&[], &frame);
        run.failed(expected.into(), &[]);
        let stderr = "claviger: profile 'work' requires a login[0m.\nhint: log in to 'v'\n";
        assert_eq!(run.stderr, stderr);
    }
}

#[test]
fn a_key_that_the_client_would_reject_is_an_error() {
    let longest = "k".repeat(MAX_KEY_LEN);
    TestEnv::new()
        .answered(&[], &credential(&longest))
        .printed(&format!("{longest}\n"));
    let long = format!("{longest}k");
    // A daemon that sends such a key.
    let mut raw = vec![0, 0, 0x40, 6, 1, 129, 1, 0x40, 1];
    raw.extend(long.as_bytes());
    TestEnv::new()
        .answered(&[], &raw)
        .failed(6, &["16384 characters"]);
    for (bad, problem) in [
        (String::new(), "empty"),
        (format!("Bearer {SECRET}"), "contains whitespace"),
        (format!("{SECRET}\n"), "contains whitespace"),
        (format!("{SECRET}\r\n{SECRET}"), "contains whitespace"),
        (format!("{SECRET}é"), "printable ASCII"),
        (format!("{SECRET}\0"), "printable ASCII"),
        (long, "longer than 16384"),
    ] {
        for format in ["key", "headers", "json", "oauth"] {
            TestEnv::new()
                .answered(&["--format", format], &credential(&bad))
                .failed(6, &[problem]);
        }
    }
}

#[test]
fn an_answer_outside_the_format_is_a_fault_of_the_daemon() {
    let oversize = (MAX_BODY as u32 + 1).to_be_bytes();
    let credential = credential(SECRET);
    let half = &credential[..credential.len() / 2];
    let cases: [(&[u8], &str); 10] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "frame over"),
        (&[0; 64], "empty frame"),
        (&oversize, "frame over"),
        (half, "incomplete response"),
        (&credential[..2], "incomplete response"),
        (&[0, 0, 0, 2, 0, 132], "invalid version 0"),
        (&[0, 0, 0, 2, 1, 129], "'token' is missing"),
        (&[0, 0, 0, 2, 9, 77], "run claviger stop"),
        (&[0, 0, 0, 6, 1, 133, 1, 0, 1, 1], "run claviger stop"),
        (&[0, 0, 0, 2, 1, 132], "run claviger stop"),
    ];
    for (bytes, part) in cases {
        TestEnv::new().answered(&[], bytes).failed(8, &[part]);
    }
}

#[test]
fn a_stalled_daemon_is_given_up_at_the_deadline() {
    // The connection is not accepted, the request is not answered, or only half of it is.
    for answer in [None, Some(vec![]), Some(credential(SECRET)[..20].to_vec())] {
        let env = TestEnv::new();
        let listener = UnixListener::bind(env.socket()).unwrap();
        let held = listener.try_clone().unwrap();
        let daemon = answer.map(|bytes| {
            thread::spawn(move || {
                let (mut stream, _) = held.accept().unwrap();
                read_request(&mut stream);
                io::Write::write_all(&mut stream, &bytes).unwrap();
                stream
            })
        });
        let run = run(&mut env.shim(&["--timeout-ms", "300"]));
        let log = env.path("state/daemon.log");
        run.failed(8, &["did not answer within 300 ms", log.to_str().unwrap()]);
        drop(daemon.map(|thread| thread.join().unwrap()));
    }
}

#[test]
fn a_request_is_repeated_if_the_daemon_closes_the_connection() {
    // A killed daemon closes one, a service manager that gives up the socket several.
    for closed in [1, 3, 5] {
        let env = TestEnv::new();
        let mut answers = vec![vec![]; closed];
        answers.push(credential(SECRET));
        let daemon = env.serve(answers);
        run(&mut env.shim(&[])).printed(&format!("{SECRET}\n"));
        assert_eq!(daemon.join().unwrap().len(), closed + 1);
    }

    let env = TestEnv::new();
    let daemon = env.serve(vec![vec![]; 6]);
    run(&mut env.shim(&[])).failed(
        8,
        &["closed the connection without an answer", "daemon.log"],
    );
    daemon.join().unwrap();
}

#[test]
fn the_key_is_written_in_one_write() {
    let longest = "k".repeat(MAX_KEY_LEN);
    let env = TestEnv::new();
    let daemon = env.serve(vec![credential(&longest)]);
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    let status = env
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
fn a_closed_stdout_fails_silently() {
    let env = TestEnv::new();
    let daemon = env.serve(vec![credential(SECRET)]);
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = env.shim(&[]).stdout(writer).output().unwrap();
    assert!(
        matches!(output.status.code(), Some(code) if code != 0),
        "{output:?}"
    );
    assert_eq!(output.stderr, b"");
    daemon.join().unwrap();
}

#[test]
fn the_command_line_is_checked_before_a_request() {
    let env = TestEnv::new();
    run(&mut env.shim(&["--profil", "x"])).failed(2, &["--profil", "did you mean --profile?"]);
    run(&mut env.shim(&["--format", "yaml"])).failed(2, &["key, headers, json or oauth"]);
    run(&mut env.shim(&["--client", "crush"]))
        .failed(2, &["'crush'", "claude-code, claude-desktop"]);
    run(&mut env.shim(&["--cache-lifetime", "5"])).failed(2, &["'5'", "'1h30m'"]);
    run(env.shim(&[]).env("CLAVIGER_TIMEOUT_MS", "8s")).failed(2, &["CLAVIGER_TIMEOUT_MS"]);
    let help = run(&mut env.shim(&["--help"]));
    assert!(
        help.code == Some(0) && help.stdout.contains("--timeout-ms"),
        "{help:?}"
    );
    run(&mut env.shim(&["--version"])).printed(concat!(
        "claviger-helper ",
        env!("CARGO_PKG_VERSION"),
        "\n"
    ));
}
