//! `claviger logs`: the daemon's file, also without a daemon and through rotation, as text and as
//! JSON.

use std::{fs, process::Stdio};

use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};

use crate::support::{KEY, TestEnv, poll::SOON, until};

#[tokio::test]
async fn the_last_lines_of_the_log_and_of_the_one_before_it_are_printed() {
    let env = TestEnv::with_fixed_key();
    // At `debug` each connection of the test is an event of its own.
    env.set_variable("CLAVIGER_LOG", "info");
    env.claviger(&["logs"])
        .await
        .failed(8, &["there is no log at '", "daemon.log'"]);
    env.helper().await.printed(KEY);
    let printed = env.claviger(&["logs"]).await;
    assert_eq!(printed.succeeded(), env.log());
    for name in ["daemon-started", "config-loaded", "credential-obtained"] {
        assert!(
            printed.stdout.contains(&format!("event=\"{name}\"")),
            "{printed:?}"
        );
    }
    let lines: Vec<_> = printed.stdout.lines().collect();
    let last = env.claviger(&["logs", "--lines", "1"]).await;
    assert_eq!(last.succeeded().trim_end(), *lines.last().unwrap());

    // Without a daemon, and with an older log.
    env.kill_daemon(Signal::KILL);
    let log = env.state_dir().join("daemon.log");
    fs::rename(&log, env.state_dir().join("daemon.log.1")).unwrap();
    fs::write(&log, "newer\n").unwrap();
    let both = env.claviger(&["logs", "-n", "2"]).await;
    assert_eq!(
        both.succeeded(),
        format!("{}\nnewer\n", lines.last().unwrap())
    );
}

#[tokio::test]
async fn the_log_in_json_has_an_object_in_each_line() {
    for (format, event) in [("json", Some("daemon-started")), ("text", None)] {
        let env = TestEnv::with_fixed_key();
        env.edit_config(|config| format!("{config}[daemon]\nlog_format = \"{format}\"\n"));
        env.helper().await.printed(KEY);
        env.claviger(&["stop"]).await.succeeded();
        until("the end is logged", SOON, async || {
            env.log().contains("daemon-ended")
        })
        .await;
        let printed = env.claviger(&["logs", "--json"]).await;
        let lines: Vec<Value> = printed
            .succeeded()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(lines.len() >= 4, "{printed:?}");
        for line in &lines {
            assert!(
                line["timestamp"].is_string() && line["level"].is_string(),
                "{line}"
            );
        }
        let started = lines
            .iter()
            .any(|line| line["event"].as_str() == event && event.is_some());
        assert_eq!(started, event.is_some(), "{printed:?}");
        if event.is_some() {
            let obtained = lines
                .iter()
                .find(|line| line["event"] == "credential-obtained");
            assert_eq!(obtained.unwrap()["span"]["profile"], "default");
        }
    }
}

#[tokio::test]
async fn new_lines_are_followed_through_a_rotation() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let mut command = env.command("claviger", &["logs", "--follow"]);
    let mut logs = command
        .stdout(Stdio::piped())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(logs.stdout.take().unwrap()).lines();
    next(&mut lines, "credential-obtained").await;
    let log = env.state_dir().join("daemon.log");
    let append = |text: &str| {
        let mut file = fs::File::options().append(true).open(&log).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    };
    env.claviger(&["refresh"]).await.succeeded();
    next(&mut lines, "credential-obtained").await;
    append(&"x".repeat(1 << 20));
    append("\nold\n");
    env.claviger(&["refresh"]).await.succeeded();
    next(&mut lines, "old").await;
    next(&mut lines, "credential-obtained").await;
    assert!(env.state_dir().join("daemon.log.1").exists());
    logs.kill().await.unwrap();
}

/// Reads until a line contains `part`.
async fn next(lines: &mut Lines<impl tokio::io::AsyncBufRead + Unpin>, part: &str) {
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(part) {
                return true;
            }
        }
        false
    };
    let found = tokio::time::timeout(SOON, found).await;
    assert!(found.is_ok_and(|found| found), "no line with '{part}'");
}
