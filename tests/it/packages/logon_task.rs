//! The logon task of Windows, which the installer registers with Wine's Task Scheduler if it is
//! asked to.

use std::{fs, process::Stdio};

use super::msi::{installer, msiexec};
use crate::support::{
    poll::{SOON, until},
    wine::Wine,
};

/// Where Wine keeps a registered task. It knows no trigger and no action, and leaves them out.
const TASK: &str = r"C:\windows\system32\tasks\Claviger";

#[tokio::test]
async fn the_logon_task_comes_and_goes_with_the_installation() {
    let (wine, own) = (Wine::new().await, installer());
    // Windows ends with its last program, and its services with it.
    let mut waits = wine.command("cmd", &["/c", "pause"]);
    let waits = waits.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    // While Wine starts other services, it starts none for a program.
    until("the Task Scheduler runs", SOON, async || {
        let output = wine.run("net", &["start", "Schedule"]).await;
        output.code == Some(0) || output.stdout.contains("already running")
    })
    .await;

    msiexec(&wine, "/i", &own, &[]).await;
    assert!(!wine.path(TASK).exists());
    msiexec(&wine, "/x", &own, &[]).await;

    msiexec(&wine, "/i", &own, &["LOGONTASK=1"]).await;
    let task = fs::read(wine.path(TASK)).unwrap();
    let text: Vec<u8> = task.into_iter().filter(|byte| *byte != 0).collect();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains(r"<URI>\Claviger</URI>"), "{text}");
    msiexec(&wine, "/x", &own, &[]).await;
    assert!(!wine.path(TASK).exists());
    drop(waits);
}
