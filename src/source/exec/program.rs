//! Runs a program until it exits, or kills it when its time is over.

use std::{io, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};
use zeroize::Zeroizing;

use super::process_group::ProcessGroup;
use crate::source::{SourceError, TransportError, sanitize};

/// The most bytes that a program may print: four keys of the maximum length.
const MAX_STDOUT: usize = 64 * 1024;

/// How many bytes of the end of standard error are kept: the last line and some before it.
const MAX_STDERR: usize = 4 * 1024;

/// A program with its arguments.
pub(super) struct Program {
    argv: Vec<String>,
    timeout: Duration,
    /// What to do if it fails.
    hint: String,
}

impl Program {
    /// The program of the source `name`. `argv` starts with the program's path.
    pub(super) fn new(name: &str, argv: Vec<String>, timeout: Duration) -> Self {
        // Without the arguments: a placeholder in them may stand for a secret.
        let hint = format!(
            "run '{}' by hand with the arguments in 'source.{name}.command'",
            argv.first().map_or("", String::as_str)
        );
        Self {
            argv,
            timeout,
            hint,
        }
    }

    pub(super) fn path(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    /// Runs the program and returns its standard output. If the time is over, or the caller drops
    /// the future, the program and all its children are killed.
    ///
    /// # Errors
    ///
    /// - [`SourceError::Configuration`] if it does not exist or is not executable
    /// - [`SourceError::Unreachable`] if it exits with an error or times out
    /// - [`SourceError::Malformed`] if it prints more than 64 KiB
    pub(super) async fn run(&self) -> Result<Zeroizing<Vec<u8>>, SourceError> {
        let broken = |e: io::Error| self.failed(e.kind().to_string());
        let mut command = Command::new(self.path());
        command
            .args(self.argv.iter().skip(1))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0).current_dir("/");
        let child = command.spawn().map_err(|e| self.cannot_start(&e))?;
        let mut group = ProcessGroup::new(child);

        let stdout = group.child.stdout.take();
        let stderr = group.child.stderr.take();
        let all = async {
            tokio::join!(read_all(stdout), read_tail(stderr), async {
                group.child.wait().await
            })
        };
        // `read_all` stops at its limit and closes the pipe: the program gets SIGPIPE or times out.
        let Ok((stdout, stderr, status)) = tokio::time::timeout(self.timeout, all).await else {
            return Err(self.failed(format!("timed out after {:?}", self.timeout)));
        };
        let status = status.map_err(broken)?;
        group.exited();
        let Some(stdout) = stdout.map_err(broken)? else {
            return Err(SourceError::BadOutput {
                program: self.path().to_owned(),
                reason: format!("it printed more than {} KiB", MAX_STDOUT / 1024),
            });
        };
        if !status.success() {
            let line = last_line(&stderr, &stdout);
            let colon = if line.is_empty() { "" } else { ": " };
            return Err(self.failed(format!("{status}{colon}{line}")));
        }
        Ok(stdout)
    }

    fn failed(&self, reason: String) -> SourceError {
        SourceError::Unreachable {
            host: self.path().to_owned(),
            error: TransportError::Program {
                reason,
                hint: self.hint.clone(),
            },
        }
    }

    fn cannot_start(&self, e: &io::Error) -> SourceError {
        let (problem, hint) = match e.kind() {
            io::ErrorKind::NotFound => (
                "does not exist, or its interpreter does not",
                "install it, or correct 'command'",
            ),
            io::ErrorKind::PermissionDenied => (
                "cannot be run: permission denied",
                "make it executable, or correct 'command'",
            ),
            kind => return self.failed(format!("cannot be started ({kind})")),
        };
        SourceError::Configuration {
            reason: format!("the program '{}' {problem}", self.path()),
            hint: hint.to_owned(),
        }
    }
}

/// Reads to the end; `None` if there are more than [`MAX_STDOUT`] bytes.
async fn read_all(from: Option<impl AsyncRead + Unpin>) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // Never reallocated, which would leave a copy in memory.
    let mut all = Zeroizing::new(Vec::with_capacity(MAX_STDOUT + 1));
    if let Some(from) = from {
        from.take(MAX_STDOUT as u64 + 1)
            .read_to_end(&mut all)
            .await?;
    }
    Ok((all.len() <= MAX_STDOUT).then_some(all))
}

/// Returns the last [`MAX_STDERR`] bytes. A read error counts as the end: only a message needs
/// them.
async fn read_tail(from: Option<impl AsyncRead + Unpin>) -> Zeroizing<Vec<u8>> {
    let mut tail = Zeroizing::new(Vec::with_capacity(2 * MAX_STDERR));
    let mut chunk = Zeroizing::new([0; MAX_STDERR]);
    if let Some(mut from) = from {
        while let Ok(read @ 1..) = from.read(&mut chunk[..]).await {
            tail.extend_from_slice(&chunk[..read]);
            let old = tail.len().saturating_sub(MAX_STDERR);
            tail.drain(..old);
        }
    }
    tail
}

/// Returns the last line that is not empty, or a placeholder if it contains a secret.
fn last_line(stderr: &[u8], stdout: &[u8]) -> String {
    let stderr = String::from_utf8_lossy(stderr);
    let stdout = String::from_utf8_lossy(stdout);
    let line = stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    // Each longer part of standard output, so that a key inside JSON is found too.
    let mut parts = stdout.split(|c: char| c.is_whitespace() || "\"{},".contains(c));
    let leaked = parts.find(|part| part.len() >= 8 && line.contains(part));
    sanitize::one_line_without(line, leaked.unwrap_or(stdout.trim()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn program(argv: &[&str], timeout: Duration) -> Program {
        let argv = argv.iter().map(|&argument| argument.to_owned()).collect();
        Program::new("corp", argv, timeout)
    }

    async fn sh(script: &str) -> Result<Zeroizing<Vec<u8>>, SourceError> {
        program(&["/bin/sh", "-c", script], Duration::from_secs(2))
            .run()
            .await
    }

    #[tokio::test]
    async fn returns_what_it_prints() {
        assert_eq!(sh("pwd; cat").await.unwrap().as_slice(), b"/\n");
    }

    #[tokio::test]
    async fn an_error_has_the_last_line_without_the_key() {
        let error = sh("echo first >&2; echo 'no \x1b[1mticket' >&2; exit 3")
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "'/bin/sh' failed: exit status: 3: no [1mticket"
        );
        let error = sh("echo sk-0123456789; echo have sk-0123456789 >&2; exit 1")
            .await
            .unwrap_err();
        assert!(!format!("{error:?}").contains("0123456789"), "{error:?}");
        assert!(!error.is_final());
    }

    #[tokio::test]
    async fn the_hint_says_how_to_run_it_and_hides_the_arguments() {
        match sh("exit 1 # hunter2").await.unwrap_err() {
            SourceError::Unreachable { error, .. } => assert_eq!(
                error.hint(),
                "run '/bin/sh' by hand with the arguments in 'source.corp.command'"
            ),
            other => panic!("{other:?}"),
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn time_out_kills_the_children_too() {
        let dir = tempfile::tempdir().unwrap();
        let child = dir.path().join("child");
        let script = format!("sleep 600 & echo $! > '{}'; wait", child.display());
        let error = program(&["/bin/sh", "-c", &script], Duration::from_millis(200))
            .run()
            .await
            .unwrap_err();
        assert!(error.to_string().contains("timed out after"), "{error}");
        let child = std::fs::read_to_string(child).unwrap();
        let stat = format!("/proc/{}/stat", child.trim());
        // Dead, even if its parent has not waited for it yet.
        let is_over = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        let over = async {
            while !is_over() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), over)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn too_much_output_is_refused() {
        let error = sh("head -c 70000 /dev/zero").await.unwrap_err();
        assert!(matches!(error, SourceError::BadOutput { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_missing_or_not_executable_program_is_a_configuration_error() {
        for path in ["/nowhere/x", "/etc/passwd"] {
            let error = program(&[path], Duration::from_secs(1))
                .run()
                .await
                .unwrap_err();
            assert!(
                matches!(error, SourceError::Configuration { .. }),
                "{error:?}"
            );
        }
    }
}
