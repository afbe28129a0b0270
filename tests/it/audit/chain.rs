//! What keeps the chain whole, and what shows that it is not.

use std::fs;

use rustix::process::Signal;

use super::{is_whole, log_in, records, verify};
use crate::support::{
    KEY, TestEnv,
    poll::{SOON, until},
};

#[tokio::test]
async fn the_chain_survives_a_kill_and_names_the_line_that_was_changed() {
    let env = TestEnv::with_fixed_key();
    for _ in 0..3 {
        env.helper().await.printed(KEY);
        let count = records(&env).len();
        until("the records are written", SOON, async || {
            records(&env).len() >= count.max(3)
        })
        .await;
        env.kill_daemon(Signal::KILL);
    }
    env.helper().await.printed(KEY);
    until("the last start", SOON, async || {
        let started = records(&env);
        started
            .iter()
            .filter(|record| record["outcome"] == "started")
            .count()
            == 4
            && started.last().unwrap()["event"] == "grant"
    })
    .await;
    env.claviger(&["stop"]).await.succeeded();
    let records = is_whole(&env).await["records"].as_u64().unwrap();
    let head = is_whole(&env).await["head"].as_str().unwrap().to_owned();

    let log = log_in(&env.state_dir());
    let sound = fs::read_to_string(&log).unwrap();
    let lines: Vec<_> = sound.lines().collect();
    let without = |line: usize| [&lines[..line], &lines[line + 1..]].concat().join("\n") + "\n";
    let forged = sound.replacen("\"served\"", "\"denied\"", 1);
    let granted = 1 + lines
        .iter()
        .position(|line| line.contains("served"))
        .unwrap();
    let cases = [
        (forged, granted, "edited"),
        (without(2), 3, "deleted"),
        (without(lines.len() - 1), lines.len() - 1, "truncated"),
    ];
    for (text, line, problem) in cases {
        fs::write(&log, text).unwrap();
        let (code, report) = verify(&env).await;
        let found = &report["problems"][0];
        assert_eq!(code, Some(1), "{report}");
        assert_eq!(
            (&found["line"], &found["problem"]),
            (&line.into(), &problem.into()),
            "{report}"
        );
        assert_eq!(found["file"], log.to_str().unwrap());
        let text = env.claviger(&["audit", "verify"]).await;
        assert_eq!(text.code, Some(1));
        assert!(text.stdout.contains(&format!(":{line}: ")), "{text:?}");
    }
    // What was cut, with the note of its head, only a head from elsewhere shows.
    fs::write(&log, without(lines.len() - 1)).unwrap();
    let noted = log.with_extension("head");
    fs::remove_file(&noted).unwrap();
    assert_eq!(verify(&env).await.0, Some(0));
    let known = env.claviger(&["audit", "verify", "--head", &head]).await;
    assert_eq!(known.code, Some(1), "{known:?}");
    let copy = env.write_file("copy", &sound);
    let known = env.claviger(&["audit", "verify", "--copy", &copy]).await;
    assert_eq!(known.code, Some(1), "{known:?}");
    fs::write(&log, &sound).unwrap();
    env.claviger(&["audit", "verify", "--copy", &copy])
        .await
        .succeeded();
    let part = env.claviger(&["audit", "verify", &copy]).await;
    assert!(
        part.succeeded().contains(&format!("{records} records")),
        "{part:?}"
    );
}
