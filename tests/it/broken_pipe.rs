//! A reader that goes away, as `head` does, ends every command silently.

use std::process::Stdio;

use crate::support::{KEY, TestEnv};

#[tokio::test]
async fn every_command_ends_silently_if_its_reader_is_gone() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let file = env.config_file();
    let file = file.to_str().unwrap();
    for args in [
        &["--help"][..],
        &["--version"],
        &["status"],
        &["status", "--wide"],
        &["status", "--json"],
        &["status", "--watch"],
        &["status", "--watch", "--json"],
        &["refresh"],
        &["refresh", "--json"],
        &["config", "schema"],
        &["config", "check"],
        &["config", "check", file],
        &["logout"],
        &["logout", "--json"],
        &["lock"],
        &["unlock"],
        &["lock", "--json"],
        &["unlock", "--json"],
        &["stop"],
        // Without a daemon.
        &["stop"],
        &["logout"],
        &["logout", "--json"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = env.command("claviger", args);
        command.stdout(Stdio::from(writer));
        let output = command.spawn().unwrap().wait_with_output().await.unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr, "", "{args:?}: {output:?}");
        assert!(output.status.code().is_some(), "{args:?}: {output:?}");
    }
}
