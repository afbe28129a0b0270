//! Where the log is written: a full disk, a directory for a group, and nowhere.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{is_whole, log_in, records_in};
use crate::support::{
    KEY, TestEnv,
    poll::{SOON, until},
};

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
    // A part of a line was written, or nothing of it.
    let reasons = ["no storage space", "No space left"];
    let said = said.as_str().unwrap();
    assert!(reasons.iter().any(|reason| said.contains(reason)), "{said}");
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
