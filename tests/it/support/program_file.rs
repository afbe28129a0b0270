//! Programs that a test writes.
//!
//! At a fork the child process of another test inherits each descriptor, and while one is open for
//! writing the file cannot be executed (ETXTBSY, `execve(2)`). Hence another process writes it.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use super::process::binary;

/// Copies a program, with its mode.
pub(crate) fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg(from).arg(to).status();
    assert!(status.unwrap().success(), "{}", to.display());
}

/// Copies both programs into `directory`, which is made.
pub(crate) fn install(directory: &Path) {
    fs::create_dir(directory).unwrap();
    for program in ["claviger", "claviger-helper"] {
        copy(&binary(program), &directory.join(program));
    }
}

/// Writes `text` to a file that exists or not; its mode stays, or is as the umask has it.
pub(crate) fn write(path: &Path, text: &str) {
    let mut child = Command::new("sh")
        .args(["-c", r#"cat >"$0""#])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success(), "{}", path.display());
}
