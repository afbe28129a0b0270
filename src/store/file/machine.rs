//! What the system calls this machine.

use std::fs;

/// The places of the machine's id: systemd's (machine-id(5)), and that of D-Bus without it.
const FILES: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

/// Returns the machine's id, which another machine does not have, if the system has one. It is no
/// secret: every user can read it.
pub(super) fn id() -> Option<String> {
    let texts = FILES
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    let mut ids = texts.map(|text| text.trim().to_owned());
    ids.find(|id| !id.is_empty())
}
