//! Where the log goes. Only this program's own events are in it: what a library logs may repeat what it was given.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
    sync::Mutex,
};

use tracing::{Level, dispatcher::DefaultGuard, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::paths;

/// A log that has grown over this is put aside when the next daemon starts; one older log is kept.
const LARGEST: u64 = 1 << 20;

/// The variable that sets the level: error, warn, info (the default), debug.
const LEVEL: &str = "CLAVIGER_LOG";

/// Logs to stderr, for a daemon in the foreground, until the guard is dropped.
#[must_use]
pub(crate) fn to_stderr() -> DefaultGuard {
    start(io::stderr)
}

/// Logs to the daemon's file, until the guard is dropped.
///
/// # Errors
///
/// Where the file or its directory cannot be made.
pub(crate) fn to_file() -> io::Result<DefaultGuard> {
    Ok(start(Mutex::new(open(&paths::log_file())?)))
}

fn start<W>(writer: W) -> DefaultGuard
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = std::env::var(LEVEL)
        .ok()
        .and_then(|level| level.parse::<Level>().ok());
    let level = LevelFilter::from_level(level.unwrap_or(Level::INFO));
    // Full field values, no colour: it is read by people and by log collectors.
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
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    if fs::metadata(path).is_ok_and(|found| found.len() > LARGEST) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state/daemon.log");
        drop(open(&path).unwrap());
        fs::write(&path, vec![b'x'; (LARGEST + 1).try_into().unwrap()]).unwrap();
        drop(open(&path).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
        assert!(path.with_extension("log.1").exists());
    }
}
