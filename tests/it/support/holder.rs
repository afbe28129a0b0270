//! Namespaces of mounts and processes, which one process holds open.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

use super::{
    poll::{SOON, until_blocking},
    process::require_root,
};

/// The first process of the namespaces. All processes in them end when this is dropped.
pub(crate) struct Holder {
    unshare: Child,
    first: u32,
    _stdout: BufReader<ChildStdout>,
}

impl Holder {
    /// Makes namespaces, in which `script` mounts what it needs, prints `ready` and waits for the
    /// end of its stdin.
    ///
    /// # Panics
    ///
    /// Panics unless this process is root's, and if the script fails.
    pub(crate) fn start<A: AsRef<OsStr>>(script: &str, args: impl IntoIterator<Item = A>) -> Self {
        require_root();
        let mut unshare = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["--propagation", "private"])
            .args(["/bin/sh", "-c", script, "sh"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(unshare.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the namespaces could not be made");
        let id = unshare.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        Self {
            unshare,
            first: children.trim().parse().unwrap(),
            _stdout: stdout,
        }
    }

    /// The process whose namespaces these are, as this process sees it.
    pub(crate) fn first(&self) -> u32 {
        self.first
    }

    /// The path by which this process reaches `path` in the namespaces.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.first))
    }
}

/// The start of a command that enters the namespaces of the process `first`.
pub(crate) fn enter(first: u32) -> Command {
    let mut command = Command::new("/usr/bin/nsenter");
    command
        .args(["--target", &first.to_string(), "--mount", "--pid"])
        .stdin(Stdio::null());
    command
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The first process ends at the end of its input, and the rest with it.
        drop(self.unshare.stdin.take());
        until_blocking(SOON, || matches!(self.unshare.try_wait(), Ok(Some(_))));
    }
}
