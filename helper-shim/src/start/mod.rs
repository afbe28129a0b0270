//! Starts the daemon and awaits its word.
//!
//! Many shims may find none at once. One of them holds the lock and starts `claviger daemon --detached`; the others try
//! to connect until it listens. The daemon's standard output is a pipe to the shim, on which it says one of
//!
//! - `ok\n`, and closes it: it listens, or found that another one does;
//! - `error CODE\nMESSAGE\nHINT\n`, and ends: CODE is the shim's exit code, 2 to 8, and HINT may be empty.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::env::{self, consts::EXE_SUFFIX};
use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use claviger_wire::Failure;
use claviger_wire::paths::PATH_VARIABLES;

use crate::connect;
use crate::failure::{UNAVAILABLE, failure};
use crate::settings::{self, Daemon};

/// How long a shim waits before it looks again whether another one's daemon listens: so long first, and twice as long
/// each time up to the other. Two hundred of them on two cores must leave some time to the daemon.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(50)];

/// The most that is read of the daemon's word, in bytes.
const MAX_WORD: usize = 4096;

/// The client's own credentials, which are not the daemon's business.
const SECRETS: [&str; 3] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
];

/// What came of it.
pub(crate) enum Started {
    /// The daemon listens.
    Connected(connect::Stream),
    /// It was there, and has ended or was killed: in which way.
    Gone(&'static str),
}

/// Starts the daemon, or waits until another shim has, and connects to it.
///
/// # Errors
///
/// What the daemon says; code 8 where it cannot be started; those of [`connect::connect`].
pub(crate) fn start(daemon: &Daemon) -> Result<Started, Failure> {
    connect::prepare(daemon)?;
    let locked = |error: &io::Error| {
        let message = format!("cannot lock \"{}\": {error}", daemon.lock.display());
        failure(UNAVAILABLE, message, "run claviger doctor")
    };
    let mut options = File::options();
    let lock = options
        .create(true)
        .truncate(false)
        .write(true)
        .open(&daemon.lock);
    let lock = lock.map_err(|error| locked(&error))?;
    let [mut pause, longest] = PAUSES;
    loop {
        let held = match lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => return Err(locked(&error)),
        };
        // With the lock, too: whoever held it before may have started one.
        if let Some(stream) = connect::connect(&daemon.socket)? {
            return Ok(Started::Connected(stream));
        }
        if held {
            break;
        }
        thread::sleep(pause);
        pause = longest.min(2 * pause);
    }
    if !spawn(daemon)? {
        let how = "the daemon ends without a word when it is started";
        return Ok(Started::Gone(how));
    }
    Ok(match connect::connect(&daemon.socket)? {
        Some(stream) => Started::Connected(stream),
        None => Started::Gone("the daemon says that it listens and does not"),
    })
}

/// Returns when the daemon listens (`true`) or is gone. It has nothing of the shim's then: no descriptor, no session, no
/// directory.
fn spawn(daemon: &Daemon) -> Result<bool, Failure> {
    let program = program()?;
    let mut command = Command::new(&program);
    command
        .args(["daemon", "--detached"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for name in PATH_VARIABLES {
        if let Some(path) = settings::variable(name) {
            command.env(name, path);
        }
    }
    for name in SECRETS {
        command.env_remove(name);
    }
    system::detach(&mut command);
    let unstarted = |error: io::Error| {
        let message = format!("cannot start \"{}\": {error}", program.display());
        failure(UNAVAILABLE, message, daemon.see_log())
    };
    // Never waited for: the daemon outlives the shim, and is init's then.
    let child = command.spawn().map_err(unstarted)?;
    let said = child.stdout.map(word).unwrap_or_default();
    understand(&said).map_or(Ok(false), |said| said.map(|()| true))
}

/// The `claviger` that is installed with this shim. Never one found on `PATH`.
fn program() -> Result<PathBuf, Failure> {
    let unknown = |error: io::Error| {
        let message = format!("cannot tell where claviger-helper is: {error}");
        failure(UNAVAILABLE, message, "run claviger-helper by its full path")
    };
    // A link to the shim may be anywhere; the daemon is where the shim is.
    let shim = env::current_exe().and_then(|shim| shim.canonicalize());
    let program = shim
        .map_err(unknown)?
        .with_file_name(format!("claviger{EXE_SUFFIX}"));
    if !program.is_file() {
        let message = format!("no daemon runs, and there is no \"{}\"", program.display());
        return Err(failure(
            UNAVAILABLE,
            message,
            "install claviger beside claviger-helper",
        ));
    }
    Ok(program)
}

/// Reads until the daemon has said all it has to say, or can say no more.
fn word(mut pipe: impl Read) -> String {
    let mut said = Vec::new();
    let mut chunk = [0; 512];
    while said.len() < MAX_WORD && understand(&String::from_utf8_lossy(&said)).is_none() {
        match pipe.read(&mut chunk) {
            Ok(0) => break,
            Ok(more) => said.extend_from_slice(&chunk[..more]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// What was said, where that was all of it.
fn understand(said: &str) -> Option<Result<(), Failure>> {
    let mut lines = said
        .split_inclusive('\n')
        .map_while(|line| line.strip_suffix('\n'));
    match lines.next()? {
        "ok" => Some(Ok(())),
        first => {
            let code = first.strip_prefix("error ")?.parse().ok()?;
            let (message, hint) = (lines.next()?, lines.next()?);
            Some(Err(failure(code, message, hint)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_understood_when_it_is_whole() {
        assert_eq!(understand("ok\n"), Some(Ok(())));
        assert_eq!(understand("ok\nand more"), Some(Ok(())));
        let error = Some(Err(failure(2, "no profile", "add one")));
        assert_eq!(understand("error 2\nno profile\nadd one\n"), error);
        let unhinted = Some(Err(failure(8, "no profile", "")));
        assert_eq!(understand("error 8\nno profile\n\n"), unhinted);
        for partial in [
            "",
            "ok",
            "okay\n",
            "error 2\n",
            "error 2\nno\n",
            "error 2\nno\nadd",
            "error x\na\nb\n",
            "\n",
        ] {
            assert_eq!(understand(partial), None, "{partial:?}");
        }
    }

    #[test]
    fn no_more_is_read_than_there_is_to_say() {
        assert_eq!(word(io::repeat(b'x')).len(), MAX_WORD);
        assert_eq!(word(b"ok\n".chain(io::repeat(b'x')).take(10)), "ok\n");
        assert_eq!(word(b"o".chain(b"k\n".as_slice()).chain(Broken)), "ok\n");
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("read on after the daemon's word")
        }
    }
}
