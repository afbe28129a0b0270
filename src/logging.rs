//! The daemon's log. It contains only this program's own events: a library's could repeat a secret.

use std::{fs::File, io, path::Path, sync::Mutex};

use tracing::{Level, dispatcher::DefaultGuard, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    paths,
    trust::{PrivateDirectory, TrustError},
};

/// The log's name in its directory.
const NAME: &str = "daemon.log";

/// The name of the log before it.
const OLDER: &str = "daemon.log.1";

/// The size in bytes from which a log is renamed when the next daemon starts; one older log is
/// kept.
const MAX_LEN: u64 = 1 << 20;

/// The variable that sets the level: error, warn, info (the default) or debug.
const LEVEL_VARIABLE: &str = "CLAVIGER_LOG";

/// Logs to stderr until the guard is dropped: for a daemon in the foreground.
#[must_use]
pub(crate) fn to_stderr() -> DefaultGuard {
    start(io::stderr)
}

/// Logs to the daemon's file, until the guard is dropped.
///
/// # Errors
///
/// The system's error, if the file or its directory cannot be created.
pub(crate) fn to_file() -> io::Result<DefaultGuard> {
    Ok(start(Mutex::new(open(&paths::log_file())?)))
}

fn start<W>(writer: W) -> DefaultGuard
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = std::env::var(LEVEL_VARIABLE)
        .ok()
        .and_then(|level| level.parse::<Level>().ok());
    let level = LevelFilter::from_level(level.unwrap_or(Level::INFO));
    // No colour: log collectors read it, too.
    let layer = fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        .with_target(false);
    let own = Targets::new().with_target("claviger", level);
    Registry::default()
        .with(layer.with_filter(own))
        .set_default()
}

fn open(path: &Path) -> io::Result<File> {
    let open = || {
        let directory = PrivateDirectory::open_or_create(path.parent().unwrap_or(path))?;
        let file = directory.append(NAME)?;
        if file.metadata()?.len() <= MAX_LEN {
            return Ok(file);
        }
        directory.rename(NAME, OLDER)?;
        directory.append(NAME)
    };
    open().map_err(|error: TrustError| match error {
        TrustError::Io(error) => error,
        TrustError::Violation(violation) => io::Error::other(violation.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_large_log_is_rotated() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state/daemon.log");
        drop(open(&path).unwrap());
        fs::write(&path, vec![b'x'; (MAX_LEN + 1).try_into().unwrap()]).unwrap();
        drop(open(&path).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
        assert!(path.with_extension("log.1").exists());
    }
}
