//! AppleScript's `display notification`.

use std::process::Stdio;

use tokio::process::Command;
use url::Url;

use super::{DesktopError, Notification, Reach, opener};

/// The texts are arguments and not part of the script.
const SCRIPT: [&str; 3] = [
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
];

/// `_`: the desktop of a user who is logged in runs, and no other can be started.
pub(super) async fn notify(notification: &Notification, _: Reach) -> Result<(), DesktopError> {
    let mut command = Command::new("/usr/bin/osascript");
    for line in SCRIPT {
        command.args(["-e", line]);
    }
    let status = command
        .args([&notification.title, &notification.body])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(DesktopError::new(format!("osascript failed: {status}"))),
        Err(error) => Err(DesktopError::new(format!("cannot run osascript: {error}"))),
    }
}

pub(super) async fn open(page: &Url) -> Result<(), DesktopError> {
    opener::open(page).await
}
