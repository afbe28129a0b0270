//! A panic, as a failure in the form of all others: its place in the source, and never its message,
//! which may repeat a secret.

use std::panic::{self, Location};

use crate::{ExitCode, Failure};

/// Calls `report` with the place of each panic, `FILE:LINE`, from now on. The hook of std, which
/// prints the panic's message and perhaps a backtrace, is not called any more.
pub fn on_panic(report: impl Fn(&str) + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |info| {
        report(&info.location().map_or_else(|| "?".to_owned(), place));
    }));
}

/// The failure of a program that panics at `place`, as [`on_panic`] reports it.
#[must_use]
pub fn internal_error(place: &str) -> Failure {
    Failure::new(
        ExitCode::DaemonUnavailable,
        format!("internal error at {place}"),
        "this is a bug: report the line above and the output of claviger --version",
    )
}

fn place(location: &Location<'_>) -> String {
    format!("{}:{}", in_crate(location.file()), location.line())
}

/// A file of a library without the directories of the machine that compiled it.
fn in_crate(file: &str) -> &str {
    ["/registry/src/", "/rustc/"]
        .into_iter()
        .find_map(|parent| file.split_once(parent)?.1.split_once('/'))
        .map_or(file, |(_, file)| file)
}

#[cfg(test)]
#[expect(clippy::exit, reason = "what the shim does at a panic")]
mod tests {
    use std::{
        env,
        io::{self, Write as _},
        process::{self, Command},
        thread,
    };

    use super::*;

    const SECRET: &str = "sk-canary-5f3a9c";

    /// Set in the process that panics.
    const VARIABLE: &str = "CLAVIGER_TEST_PANIC";

    /// Panics, on this thread or another one, with a message that contains the secret.
    fn crash(kind: &str) {
        on_panic(|place| {
            let _ = io::stderr().write_all(internal_error(place).to_text().as_bytes());
            process::exit(ExitCode::DaemonUnavailable.as_byte().into());
        });
        match kind {
            "message" => panic!("{SECRET}"),
            "error" => fails().unwrap(),
            // std's message repeats the text.
            "slice" => drop(SECRET[SECRET.len() + 1..].to_owned()),
            _ => thread::spawn(|| panic!("{SECRET}")).join().unwrap(),
        }
    }

    fn fails() -> Result<(), &'static str> {
        Err(SECRET)
    }

    /// Runs this test in another process, which `crash`es.
    #[test]
    fn a_panic_shows_its_place_and_nothing_of_its_message() {
        if let Ok(kind) = env::var(VARIABLE) {
            return crash(&kind);
        }
        for kind in ["message", "error", "slice", "thread"] {
            let name = "internal_error::tests::a_panic_shows_its_place_and_nothing_of_its_message";
            let output = Command::new(env::current_exe().unwrap())
                .args(["--exact", "--nocapture", name])
                .env(VARIABLE, kind)
                .env("RUST_BACKTRACE", "full")
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(8), "{kind}: {output:?}");
            let stderr = String::from_utf8(output.stderr).unwrap();
            let (problem, hint) = stderr.split_once('\n').unwrap();
            let file = "claviger: internal error at helper-shim/wire/src/internal_error.rs:";
            let line = problem
                .strip_prefix(file)
                .and_then(|rest| rest.strip_suffix('.'));
            assert!(line.unwrap().parse::<u32>().is_ok(), "{stderr}");
            let hint = hint.strip_suffix('\n').unwrap();
            assert!(
                hint.starts_with("hint: ") && !hint.contains('\n'),
                "{stderr}"
            );
            let stdout = String::from_utf8(output.stdout).unwrap();
            assert!(!(stderr + &stdout).contains(SECRET), "{kind}");
        }
    }

    #[test]
    fn a_place_in_a_library_names_no_directory_of_another_machine() {
        for (file, expected) in [
            (
                "/home/ana/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/http-1.5.0/src/uri.rs",
                "http-1.5.0/src/uri.rs",
            ),
            (
                "/rustc/ded5c06cf21d2b93bffd5d884aa6e96934ee4234/library/std/src/thread.rs",
                "library/std/src/thread.rs",
            ),
            ("src/cli/mod.rs", "src/cli/mod.rs"),
        ] {
            assert_eq!(in_crate(file), expected);
        }
    }
}
