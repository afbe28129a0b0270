//! What a panic shows: its place, in the log or on stderr, and never its message, which may repeat
//! a secret.

use std::{
    io::{self, Write as _},
    process,
};

use claviger_wire::{internal_error, on_panic};

use crate::logging;

/// Reports panics from now on.
///
/// As shipped, where panics do not unwind, the first one ends the process with the code of an
/// internal error, without the signal of an abort, which could leave a core. In other builds the
/// panic ends its task alone.
pub(super) fn install() {
    on_panic(|place| {
        report(place);
        if cfg!(panic = "abort") {
            end(place);
        }
    });
}

/// Reports a panic in the log, or on stderr if this process has none.
fn report(place: &str) {
    let is_logged = logging::on_any_thread(|| {
        tracing::error!(event = "internal-error", place, "internal error");
    });
    if !is_logged {
        // The exit code is all that is left if stderr is closed.
        let _ = io::stderr().write_all(internal_error(place).to_text().as_bytes());
    }
}

#[expect(
    clippy::exit,
    reason = "any thread may panic; only the first one returns to `main`"
)]
fn end(place: &str) {
    process::exit(internal_error(place).code.as_byte().into());
}

#[cfg(test)]
mod tests {
    use std::{
        env, fs,
        path::Path,
        process::{Command, Output},
        thread,
    };

    use super::*;
    use crate::logging::{Format, Log};

    const SECRET: &str = "sk-canary-5f3a9c";

    /// Set in the process that panics: where it logs; empty if it does not.
    const LOG: &str = "CLAVIGER_TEST_PANIC_LOG";

    /// Runs a test of this module in another process, with this log.
    fn run(test: &str, log: &Path) -> Output {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg(format!("cli::panic::tests::{test}"))
            .env(LOG, log)
            .env("RUST_BACKTRACE", "full")
            .output()
            .unwrap()
    }

    /// The log of the process that panics; `None` in the one that runs the tests.
    fn log_of_child() -> Option<Option<Log>> {
        let path = env::var_os(LOG)?;
        let log = |path| Log::to_file(Some(path), Some("trace"), Format::Text);
        Some((!path.is_empty()).then(|| log(path.into())))
    }

    fn assert_clean(output: &Output) -> String {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(
            !stdout.contains(SECRET) && !stderr.contains(SECRET),
            "{output:?}"
        );
        stderr
    }

    #[test]
    fn a_panic_is_logged_with_its_place_and_ends_its_task_alone() {
        if let Some(_log) = log_of_child() {
            install();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(async {
                let task = tokio::spawn(async { panic!("{SECRET}") });
                assert!(task.await.unwrap_err().is_panic());
                // On a thread that does not log by default; std's message repeats the text.
                let blocking =
                    tokio::task::spawn_blocking(|| drop(SECRET[SECRET.len() + 1..].to_owned()));
                assert!(blocking.await.unwrap_err().is_panic());
            });
            return;
        }
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("state/daemon.log");
        let output = run(
            "a_panic_is_logged_with_its_place_and_ends_its_task_alone",
            &path,
        );
        assert!(output.status.success(), "{output:?}");
        assert_eq!(assert_clean(&output), "");
        let log = fs::read_to_string(&path).unwrap();
        assert_eq!(log.lines().count(), 2, "{log}");
        for line in log.lines() {
            let event = "ERROR internal error event=\"internal-error\" place=\"src/cli/panic.rs:";
            assert!(line.contains(event), "{log}");
        }
        assert!(!log.contains(SECRET), "{log}");
    }

    #[test]
    fn a_panic_without_a_log_is_reported_on_stderr() {
        if let Some(None) = log_of_child() {
            install();
            assert!(thread::spawn(|| panic!("{SECRET}")).join().is_err());
            return;
        }
        let output = run("a_panic_without_a_log_is_reported_on_stderr", Path::new(""));
        assert!(output.status.success(), "{output:?}");
        let stderr = assert_clean(&output);
        let start = "claviger: internal error at src/cli/panic.rs:";
        assert!(stderr.starts_with(start), "{stderr}");
        assert_eq!(stderr.lines().count(), 2, "{stderr}");
    }

    /// What a release build does.
    #[test]
    fn a_panic_can_end_the_process_with_its_code() {
        if log_of_child().is_some() {
            on_panic(|place| {
                report(place);
                end(place);
            });
            let _ = thread::spawn(|| panic!("{SECRET}")).join();
            return;
        }
        let output = run("a_panic_can_end_the_process_with_its_code", Path::new(""));
        assert_eq!(output.status.code(), Some(8), "{output:?}");
        assert_clean(&output);
    }
}
