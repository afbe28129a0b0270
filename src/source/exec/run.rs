//! Runs a program to its end, or ends it.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, Command},
};
use zeroize::Zeroizing;

use crate::source::{SourceError, TransportError, sanitize};

/// The most that a program may print: four keys of the longest kind.
const MAX_STDOUT: usize = 64 * 1024;

/// How much of the end of standard error is kept: a last line and what came before it.
const MAX_STDERR: usize = 4 * 1024;

/// Runs `argv` and returns what it printed. When the time is over, or the caller has gone, the program and all that it
/// started are killed.
///
/// # Errors
///
/// [`SourceError::Configuration`] where it cannot be run at all, [`SourceError::Unreachable`] where it failed or took too
/// long, [`SourceError::Malformed`] where it printed without end.
pub(super) async fn run(
    argv: &[String],
    timeout: Duration,
) -> Result<Zeroizing<Vec<u8>>, SourceError> {
    let (program, arguments) = argv
        .split_first()
        .map_or(("", argv), |(p, a)| (p.as_str(), a));
    let failed = |error| SourceError::Unreachable {
        host: program.to_owned(),
        error,
    };
    let broken = |e: std::io::Error| failed(TransportError::Program(e.kind().to_string()));

    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0).current_dir("/");
    let mut group = Group::of(command.spawn().map_err(|e| cannot_start(program, &e))?);

    let stdout = group.child.stdout.take();
    let stderr = group.child.stderr.take();
    let all = async {
        tokio::join!(read_all(stdout), read_tail(stderr), async {
            group.child.wait().await
        })
    };
    // `read_all` gives up at its limit and closes the pipe: the program gets SIGPIPE, or the time-out ends it.
    let Ok((stdout, stderr, status)) = tokio::time::timeout(timeout, all).await else {
        return Err(failed(TransportError::TimedOut(timeout)));
    };
    let status = status.map_err(broken)?;
    group.ended();
    let Some(stdout) = stdout.map_err(broken)? else {
        return Err(SourceError::Malformed {
            host: program.to_owned(),
            reason: format!("it printed more than {} KiB", MAX_STDOUT / 1024),
        });
    };
    if !status.success() {
        let line = last_line(&stderr, &stdout);
        let colon = if line.is_empty() { "" } else { ": " };
        return Err(failed(TransportError::Program(format!(
            "ended with {status}{colon}{line}"
        ))));
    }
    Ok(stdout)
}

fn cannot_start(program: &str, e: &std::io::Error) -> SourceError {
    let (what, hint) = match e.kind() {
        std::io::ErrorKind::NotFound => (
            "does not exist, or its interpreter does not",
            "install it, or correct 'command'",
        ),
        std::io::ErrorKind::PermissionDenied => (
            "may not be run by this user",
            "chmod +x it, or correct 'command'",
        ),
        kind => {
            return SourceError::Unreachable {
                host: program.to_owned(),
                error: TransportError::Program(format!("could not be started ({kind})")),
            };
        }
    };
    SourceError::Configuration {
        reason: format!("the program '{program}' {what}"),
        hint: hint.to_owned(),
    }
}

/// All of it; `None` where it is too much.
async fn read_all(
    from: Option<impl AsyncRead + Unpin>,
) -> std::io::Result<Option<Zeroizing<Vec<u8>>>> {
    // Never moved to a larger buffer, which would leave a copy behind.
    let mut all = Zeroizing::new(Vec::with_capacity(MAX_STDOUT + 1));
    if let Some(from) = from {
        from.take(MAX_STDOUT as u64 + 1)
            .read_to_end(&mut all)
            .await?;
    }
    Ok((all.len() <= MAX_STDOUT).then_some(all))
}

/// The end of it. An error is its end too: nothing but a message comes from here.
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

/// The last line that says something, unless the key is in it.
fn last_line(stderr: &[u8], stdout: &[u8]) -> String {
    let stderr = String::from_utf8_lossy(stderr);
    let stdout = String::from_utf8_lossy(stdout);
    let line = stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    // A key inside JSON too: any longer word of what was printed.
    let words = stdout.split(|c: char| c.is_whitespace() || "\"{},".contains(c));
    let leaked = words
        .filter(|word| word.len() >= 8)
        .find(|word| line.contains(word));
    sanitize::one_line_without(line, leaked.unwrap_or(stdout.trim()))
}

/// A program and, on Unix, all that it started: it leads a process group of its own. Killed when dropped, unless it ended.
struct Group {
    child: Child,
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    fn of(child: Child) -> Self {
        Self {
            #[cfg(unix)]
            leader: child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(rustix::process::Pid::from_raw),
            child,
        }
    }

    /// Its number may be somebody else's from now on.
    fn ended(&mut self) {
        #[cfg(unix)]
        {
            self.leader = None;
        }
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // It fails only where nobody is left.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn sh(script: &str) -> Result<Zeroizing<Vec<u8>>, SourceError> {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        run(&argv, Duration::from_secs(2)).await
    }

    #[tokio::test]
    async fn what_it_prints() {
        assert_eq!(sh("pwd; cat").await.unwrap().as_slice(), b"/\n");
    }

    #[tokio::test]
    async fn its_last_words_without_the_key() {
        let error = sh("echo first >&2; echo 'no \x1b[1mticket' >&2; exit 3")
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "'/bin/sh' failed: ended with exit status: 3: no [1mticket"
        );
        let error = sh("echo sk-0123456789; echo have sk-0123456789 >&2; exit 1")
            .await
            .unwrap_err();
        assert!(!format!("{error:?}").contains("0123456789"), "{error:?}");
        assert!(!error.is_final());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn time_out_kills_the_children_too() {
        let dir = tempfile::tempdir().unwrap();
        let child = dir.path().join("child");
        let script = format!("sleep 600 & echo $! > '{}'; wait", child.display());
        let argv = ["/bin/sh", "-c", &script].map(str::to_owned);
        let error = run(&argv, Duration::from_millis(200)).await.unwrap_err();
        assert!(
            error.to_string().contains("did not answer within"),
            "{error}"
        );
        let child = std::fs::read_to_string(child).unwrap();
        let stat = format!("/proc/{}/stat", child.trim());
        // Dead, whether or not somebody has looked after it yet.
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
    async fn too_much() {
        let error = sh("head -c 70000 /dev/zero").await.unwrap_err();
        assert!(matches!(error, SourceError::Malformed { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn no_such_program() {
        let error = run(&["/nowhere/x".to_owned()], Duration::from_secs(1))
            .await
            .unwrap_err();
        assert!(
            matches!(error, SourceError::Configuration { .. }),
            "{error:?}"
        );
        let error = run(&["/etc/passwd".to_owned()], Duration::from_secs(1))
            .await
            .unwrap_err();
        assert!(
            matches!(error, SourceError::Configuration { .. }),
            "{error:?}"
        );
    }
}
