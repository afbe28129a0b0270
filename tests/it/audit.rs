//! The audit log of a real daemon: which records a story leaves, what keeps the chain whole, and
//! what shows that it is not.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    KEY, TestEnv,
    answers::secret,
    fingerprint::fingerprint,
    key_fixture::{KeyFixture, SECOND, THIRD},
    poll::{SOON, until},
};

/// The file of the log on the usual socket.
const LOG: &str = "audit.log";

/// The records of the log, the oldest first.
fn records_in(directory: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log_in(directory)).unwrap_or_default();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The current file: its name depends on the daemon's socket.
fn log_in(directory: &Path) -> PathBuf {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let current = |name: &String| {
        let rest = name.strip_prefix("audit");
        rest.is_some_and(|rest| rest.ends_with(".log") && rest.matches('.').count() == 1)
    };
    directory.join(names.filter(current).min().unwrap_or(LOG.to_owned()))
}

fn records(env: &TestEnv) -> Vec<Value> {
    records_in(&env.state_dir())
}

/// `EVENT OUTCOME REASON FINGERPRINT` of each record about a key.
fn story(env: &TestEnv) -> Vec<String> {
    let text = |record: &Value, name: &str| record[name].as_str().unwrap_or("-").to_owned();
    records(env)
        .iter()
        .filter(|record| !matches!(record["event"].as_str(), Some("daemon" | "config")))
        .map(|record| {
            ["event", "outcome", "reason", "fingerprint"]
                .map(|name| text(record, name))
                .join(" ")
        })
        .collect()
}

/// Waits until the story contains a record.
async fn until_recorded(env: &TestEnv, record: &str) {
    until(record, SOON, async || {
        story(env).iter().any(|found| found == record)
    })
    .await;
}

async fn verify(env: &TestEnv) -> (Option<i32>, Value) {
    let output = env.claviger(&["audit", "verify", "--json"]).await;
    let report = serde_json::from_str(&output.stdout).unwrap_or(Value::Null);
    (output.code, report)
}

/// Asserts that the log is whole, to its known end.
async fn is_whole(env: &TestEnv) -> Value {
    let (code, report) = verify(env).await;
    assert_eq!(
        (code, &report["is_whole"]),
        (Some(0), &true.into()),
        "{report}"
    );
    report
}

#[tokio::test]
async fn a_story_leaves_a_record_of_each_grant_and_each_change() {
    let fixture = KeyFixture::start("30s").await;
    let env = &fixture.env;
    let [first, second, third] = [KEY, SECOND, THIRD].map(fingerprint);
    env.helper().await.printed(KEY);
    fixture.until_probed("accepted").await;
    env.helper().await.printed(KEY);
    fixture.put(SECOND).await;
    fixture.gateway.accept(secret(SECOND));
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(SECOND);
    // The old key is revoked, and the client says that it has met a 401.
    fixture.put(THIRD).await;
    fixture.gateway.set_keys([secret(THIRD)]);
    let stated = [("CLAUDE_HELPER_CONTEXT", "mid-session-refresh")];
    env.helper_with(&[], &stated).await.printed(THIRD);
    env.claviger(&["logout"]).await.succeeded();
    let logout = format!("logout stays-valid - {third}");
    until_recorded(env, &logout).await;
    let expected = [
        format!("change obtained first {first}"),
        format!("grant served fetched {first}"),
        format!("grant served cached {first}"),
        format!("change obtained forced {second}"),
        format!("change promoted - {second}"),
        format!("grant served cached {second}"),
        format!("change rejected - {second}"),
        format!("change obtained 401-stated {third}"),
        format!("change promoted - {third}"),
        format!("grant served 401-stated {third}"),
        logout,
    ];
    assert_eq!(story(env), expected);

    let records = records(env);
    assert_eq!(records[0]["event"], "daemon");
    assert_eq!(records[0]["outcome"], "started");
    assert_eq!(records[1]["event"], "config");
    assert_eq!(records[1]["file"], env.config_file().to_str().unwrap());
    let granted = records.iter().find(|record| record["event"] == "grant");
    let granted = granted.unwrap();
    assert_eq!(granted["profile"], "default");
    assert_eq!(granted["source"], "vault");
    assert_eq!(granted["client"], "claude-code");
    // The client of the shims is this test.
    assert_eq!(granted["pid"], std::process::id());
    let own = std::env::current_exe().unwrap();
    assert_eq!(granted["executable"], own.to_str().unwrap());
    assert!(granted["started"].as_u64().unwrap() > 0);
    assert!(granted["shim_pid"].as_u64().unwrap() > 0);
    assert_eq!(granted["version"], 1);

    let report = is_whole(env).await;
    assert_eq!(report["records"], records.len());
    let tail = env.claviger(&["audit"]).await;
    let text = tail.succeeded();
    assert!(
        text.contains(&format!("served {first} v1 claude-code[")),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let json = env.claviger(&["audit", "tail", "-n", "1", "--json"]).await;
    let last: Value = serde_json::from_str(json.succeeded()).unwrap();
    assert_eq!(&last, records.last().unwrap());
    let metrics = env.claviger(&["metrics"]).await;
    let count = format!("claviger_audit_records_total {}", records.len());
    assert!(metrics.succeeded().contains(&count), "{metrics:?}");
}

#[tokio::test]
async fn refusals_are_recorded_with_their_code() {
    let env = TestEnv::with_script("exit 3");
    env.helper().await.failed(3, &[]);
    env.helper_with(&["--profile", "none"], &[])
        .await
        .failed(2, &["none"]);
    until("two refusals", SOON, async || {
        story(&env)
            .iter()
            .filter(|line| line.starts_with("refusal"))
            .count()
            == 2
    })
    .await;
    let records = records(&env);
    let refusals: Vec<_> = records
        .iter()
        .filter(|record| record["event"] == "refusal")
        .collect();
    assert_eq!(
        (&refusals[0]["code"], &refusals[0]["outcome"]),
        (&3.into(), &"login-required".into())
    );
    assert_eq!(
        (&refusals[1]["code"], &refusals[1]["profile"]),
        (&2.into(), &"none".into())
    );
    assert!(
        refusals[0]["message"].as_str().unwrap().contains("corp"),
        "{}",
        refusals[0]
    );
    is_whole(&env).await;
}

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

/// A file system of 64 KiB, until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Self {
        fs::create_dir(&at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs"])
            .arg(&at)
            .status();
        assert!(mounted.unwrap().success());
        Self(at)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_keeps_no_key_back_and_is_said() {
    let env = TestEnv::with_fixed_key();
    let disk = SmallDisk::mount(env.path("disk"));
    let directory = disk.0.join("audit");
    env.edit_config(|config| {
        format!(
            "{config}\n[audit]\ndirectory = \"{}\"\n",
            directory.display()
        )
    });
    env.helper().await.printed(KEY);
    until("the log has started", SOON, async || {
        records_in(&directory).len() >= 4
    })
    .await;
    // Less than a page is left, then nothing.
    let ballast = disk.0.join("ballast");
    while fs::metadata(&ballast).map_or(0, |found| found.len()) < 1 << 16 {
        let more = fs::read(&ballast).unwrap_or_default().len() + 4096;
        if fs::write(&ballast, vec![b'x'; more]).is_err() {
            break;
        }
    }
    let error = async || env.status().await["daemon"]["audit_error"].clone();
    for _ in 0..30 {
        env.helper().await.printed(KEY);
        if error().await.is_string() {
            break;
        }
    }
    let said = error().await;
    assert!(
        said.as_str()
            .is_some_and(|said| said.contains("No space left") || said.contains("full")),
        "{said}"
    );
    env.helper().await.printed(KEY);
    let status = env.claviger(&["status"]).await;
    assert!(
        status.succeeded().contains("the audit log fails"),
        "{status:?}"
    );
    assert_eq!(
        env.log().matches("audit-failed").count(),
        1,
        "{}",
        env.log()
    );

    fs::remove_file(&ballast).unwrap();
    env.helper().await.printed(KEY);
    until("the log is written again", SOON, async || {
        error().await.is_null()
    })
    .await;
    let lost = env.status().await["daemon"]["audit_lost"].as_u64().unwrap();
    let records = records_in(&directory);
    let gaps = records.iter().filter(|record| record["outcome"] == "gap");
    assert_eq!(
        gaps.map(|gap| gap["lost"].as_u64().unwrap()).sum::<u64>(),
        lost
    );
    assert!(lost > 0);
    is_whole(&env).await;
    // Before the disk goes.
    env.claviger(&["stop"]).await.succeeded();
}

/// A user who is a member of no group.
const COLLECTOR: u32 = 47_110;

/// The group of the collector.
const GROUP: &str = "adm";

#[tokio::test]
async fn a_group_may_read_the_log_and_no_one_else() {
    let env = TestEnv::with_fixed_key();
    let groups = fs::read_to_string("/etc/group").unwrap();
    let group = groups.lines().find_map(|line| line.strip_prefix("adm:x:"));
    let group: u32 = group.unwrap().split(':').next().unwrap().parse().unwrap();
    // As an administrator makes it, on a path that others can enter.
    let shared = tempfile::tempdir().unwrap();
    fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let directory = shared.path().join("root");
    fs::create_dir(&directory).unwrap();
    chown(&directory, None, Some(group)).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o2750)).unwrap();
    let path = shared.path().join("{user}");
    env.edit_config(|config| {
        format!(
            "{config}\n[audit]\ndirectory = \"{}\"\ngroup = \"{GROUP}\"\n",
            path.display()
        )
    });
    env.helper().await.printed(KEY);
    until("the log is written", SOON, async || {
        records_in(&directory).len() >= 4
    })
    .await;
    let log = log_in(&directory);
    let cat = |group: u32| {
        let mut cat = Command::new("cat");
        cat.arg(&log).stdout(Stdio::piped()).stderr(Stdio::null());
        cat.uid(COLLECTOR).gid(group);
        cat.output().unwrap()
    };
    let read = cat(group);
    assert!(read.status.success());
    assert_eq!(read.stdout, fs::read(&log).unwrap());
    assert!(!cat(COLLECTOR).status.success());
    assert_eq!(env.status().await["daemon"]["audit_error"], Value::Null);
    is_whole(&env).await;
}

#[tokio::test]
async fn a_log_that_is_switched_off_is_not_written() {
    let env = TestEnv::with_fixed_key();
    env.edit_config(|config| format!("{config}\n[audit]\nenabled = false\n"));
    env.helper().await.printed(KEY);
    env.claviger(&["stop"]).await.succeeded();
    assert!(!log_in(&env.state_dir()).exists());
    let output = env.claviger(&["audit"]).await;
    output.failed(2, &["switches the audit log off"]);
}
