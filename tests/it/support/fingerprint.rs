//! What the commands print about a key.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

/// The fingerprint of a key, by the program that the README names.
pub(crate) fn fingerprint(key: &str) -> String {
    let mut child = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(key.as_bytes()).unwrap();
    drop(stdin);
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    output[..12].to_owned()
}
