//! The daemons of this user that run, whatever they listen on.

use std::path::PathBuf;

/// A process of this user that is a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DaemonProcess {
    /// Its id.
    pub(super) pid: u32,
    /// The socket that its arguments name.
    pub(super) socket: Option<PathBuf>,
}

/// The daemons of this user: by their arguments, which every process can read on Linux. A daemon's
/// memory, environment and program are closed to others.
#[cfg(target_os = "linux")]
pub(super) fn daemons() -> Vec<DaemonProcess> {
    use std::fs;

    let own = rustix::process::geteuid().as_raw();
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let daemon = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        let arguments = fs::read(entry.path().join("cmdline")).ok()?;
        is_of_user(&status, own)
            .then(|| parse(pid, &arguments))
            .flatten()
    };
    entries.flatten().filter_map(daemon).collect()
}

/// Unknown.
#[cfg(not(target_os = "linux"))]
pub(super) const fn daemons() -> Vec<DaemonProcess> {
    Vec::new()
}

/// Whether the effective user in `/proc/PID/status` is `uid`: the second number of four.
#[cfg(target_os = "linux")]
fn is_of_user(status: &str, uid: u32) -> bool {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let effective = line.and_then(|line| line.split_whitespace().nth(1));
    effective.and_then(|number| number.parse().ok()) == Some(uid)
}

/// Parses `/proc/PID/cmdline`; `None` if it is not a daemon's.
#[cfg(target_os = "linux")]
fn parse(pid: u32, arguments: &[u8]) -> Option<DaemonProcess> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

    let mut arguments = arguments.split(|byte| *byte == 0);
    let program = Path::new(OsStr::from_bytes(arguments.next()?));
    if program.file_name()? != "claviger" || arguments.next()? != b"daemon" {
        return None;
    }
    let socket = arguments.find_map(|argument| argument.strip_prefix(b"--socket="));
    Some(DaemonProcess {
        pid,
        socket: socket.map(|path| PathBuf::from(OsStr::from_bytes(path))),
    })
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_is_known_by_its_arguments() {
        let parse = |line: &str| parse(7, line.replace(' ', "\0").as_bytes());
        let daemon = |socket: Option<&str>| {
            let socket = socket.map(PathBuf::from);
            Some(DaemonProcess { pid: 7, socket })
        };
        let line = "/usr/bin/claviger daemon --detached --socket=/run/a.sock --state-dir=/s";
        assert_eq!(parse(line), daemon(Some("/run/a.sock")));
        assert_eq!(parse("claviger daemon"), daemon(None));
        for other in [
            "claviger status",
            "vim daemon",
            "/usr/bin/claviger-helper",
            "",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_process_has_an_effective_user() {
        let status = "Name:\tclaviger\nUid:\t1000\t4242\t0\t0\nGid:\t1\t1\t1\t1\n";
        assert!(is_of_user(status, 4242));
        assert!(!is_of_user(status, 1000));
        assert!(!is_of_user("", 0));
    }
}
