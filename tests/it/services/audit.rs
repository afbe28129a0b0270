//! Copies of the audit log: in the journal, and at syslog. The user can change neither.

use std::{fs, os::unix::net::UnixDatagram, path::Path};

use serde_json::Value;

use super::fixed;
use crate::support::{
    KEY,
    fingerprint::fingerprint,
    namespace::{Namespace, User},
    poll::{SOON, until_blocking},
    test_env::{ProgramOutput, set_mode},
    user_manager::{CONFIG, UserManager, config},
};

/// Gives the namespace a `/dev` of its own: that of the machine is shared.
const OWN_DEV: &str = "set -e; mkdir /mnt/dev
for device in null zero full random urandom; do
    touch /mnt/dev/$device
    mount --bind /dev/$device /mnt/dev/$device
done
mount --rbind /mnt/dev /dev";

#[test]
fn each_record_is_in_the_journal_with_fields_and_proves_the_log() {
    let manager = UserManager::logged_in(&fixed());
    manager
        .machine
        .write(CONFIG, User::Ana, &config("[audit]\njournal = true\n"));
    manager.helper().printed(KEY);
    let granted = || {
        let entries = manager.journal();
        entries
            .into_iter()
            .find(|entry| entry["CLAVIGER_EVENT"] == "grant")
    };
    assert!(
        until_blocking(SOON, || granted().is_some()),
        "{:?}",
        manager.journal()
    );
    let granted = granted().unwrap();
    assert_eq!(granted["SYSLOG_IDENTIFIER"], "claviger-audit");
    assert_eq!(granted["CLAVIGER_FINGERPRINT"], fingerprint(KEY));
    assert_eq!(granted["CLAVIGER_OUTCOME"], "served");
    // Not what the daemon says about itself, but what the kernel does.
    assert_eq!(granted["_UID"], "4242");
    let line: Value = serde_json::from_str(granted["MESSAGE"].as_str().unwrap()).unwrap();
    assert_eq!(
        line["seq"].to_string(),
        granted["CLAVIGER_SEQ"].as_str().unwrap()
    );

    let root = manager.machine.entrance(User::Root);
    let mut collected = root.command("/usr/bin/journalctl", Path::new("/"));
    collected.args([
        "--output=cat",
        "SYSLOG_IDENTIFIER=claviger-audit",
        "_UID=4242",
    ]);
    let collected = collected.output().unwrap().stdout;
    manager.machine.write(
        "/home/ana/copy",
        User::Ana,
        &String::from_utf8(collected).unwrap(),
    );
    let verify = |args: &[&str]| {
        let mut command = manager.command("/mnt/bin/claviger");
        let output = command.args(["audit", "verify"]).args(args).output();
        ProgramOutput::from(output.unwrap())
    };
    verify(&["/home/ana/copy"]).succeeded();
    verify(&["--copy", "/home/ana/copy"]).succeeded();
    // Ana's program writes the log anew, with a head that fits.
    manager.systemctl(&["stop", "claviger.service"]).succeeded();
    let state = manager.machine.outside("/home/ana/.local/state/claviger");
    fs::remove_file(state.join("audit.log")).unwrap();
    fs::remove_file(state.join("audit.head")).unwrap();
    let quiet = config("[audit]\njournal = false\n");
    manager.machine.write(CONFIG, User::Ana, &quiet);
    for _ in 0..10 {
        manager.helper().printed(KEY);
    }
    let records = || fs::read_to_string(state.join("audit.log")).unwrap_or_default();
    assert!(until_blocking(SOON, || records().lines().count() > 10));
    verify(&[]).succeeded();
    let compared = verify(&["--copy", "/home/ana/copy"]);
    assert_eq!(compared.code, Some(1), "{compared:?}");
    assert!(compared.stdout.contains("is not the one"), "{compared:?}");
}

#[test]
fn each_record_is_sent_to_syslog() {
    let machine = Namespace::new();
    let root = machine.entrance(User::Root);
    let mut own_dev = root.command("/bin/sh", Path::new("/"));
    assert!(own_dev.args(["-c", OWN_DEV]).status().unwrap().success());
    let path = machine.outside("/dev/log");
    let syslog = UnixDatagram::bind(&path).unwrap();
    set_mode(&path, 0o666);
    syslog.set_read_timeout(Some(SOON)).unwrap();
    machine.write_program(
        "/home/ana/key",
        User::Ana,
        0o700,
        &format!("#!/bin/sh\n{}\n", fixed()),
    );
    machine.write(CONFIG, User::Ana, &config("[audit]\nsyslog = true\n"));
    machine.helper(User::Ana, &[]).printed(KEY);
    let mut message = [0; 8192];
    loop {
        let len = syslog.recv(&mut message).unwrap();
        let text = std::str::from_utf8(&message[..len]).unwrap();
        let (tag, line) = text.split_once("]: ").unwrap();
        assert!(tag.starts_with("<86>claviger-audit["), "{text}");
        let line: Value = serde_json::from_str(line).unwrap();
        if line["event"] == "grant" {
            assert_eq!(line["fingerprint"], fingerprint(KEY));
            break;
        }
    }
    machine
        .run(User::Ana, "claviger", &["stop"], &[])
        .succeeded();
}
