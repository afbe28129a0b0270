//! The daemon's log: one line for each event. It contains only this program's own events: a
//! library's could repeat a secret.
//!
//! The log never keeps the daemon from serving: without a usable file it does not log, and a line
//! that cannot be written is lost.

mod escape;
mod file;
mod tail;

use std::{
    io,
    path::{Path, PathBuf},
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

use self::file::LogFile;
pub(crate) use self::tail::tail;
use crate::{sync, trust::TrustError};

/// A log, until it is dropped.
pub(crate) struct Log {
    /// The file; `None` if it is stderr, or if the path is not known.
    pub(crate) file: Option<PathBuf>,
    /// Why events are not logged; `None` if they are.
    pub(crate) problem: Option<String>,
    _guard: DefaultGuard,
}

impl Log {
    /// Logs to stderr: for a daemon in the foreground. `level` is error, warn, info (the default)
    /// or debug.
    #[must_use]
    pub(crate) fn to_stderr(level: Option<&str>) -> Self {
        Self {
            file: None,
            problem: None,
            _guard: start(Output(Mutex::new(io::stderr())), level),
        }
    }

    /// Logs to the daemon's file `path`. If that cannot be used, nothing is logged. `level` is as
    /// above.
    #[must_use]
    pub(crate) fn to_file(path: Option<PathBuf>, level: Option<&str>) -> Self {
        match path {
            Some(path) => Self::to(path, level),
            None => Self::nowhere(None, "the state directory is not known".to_owned()),
        }
    }

    fn to(path: PathBuf, level: Option<&str>) -> Self {
        match LogFile::open(path.parent().unwrap_or(Path::new("/"))) {
            Ok(log) => Self {
                file: Some(path),
                problem: None,
                _guard: start(Output(Mutex::new(log)), level),
            },
            Err(error) => {
                let problem = match error {
                    TrustError::Io(error) => format!("cannot open '{}': {error}", path.display()),
                    TrustError::Violation(violation) => {
                        format!("{violation}; {}", violation.hint)
                    }
                };
                Self::nowhere(Some(path), problem)
            }
        }
    }

    fn nowhere(file: Option<PathBuf>, problem: String) -> Self {
        Self {
            file,
            problem: Some(problem),
            _guard: start(Output(Mutex::new(io::sink())), None),
        }
    }
}

fn start(output: Output<impl Sink>, level: Option<&str>) -> DefaultGuard {
    let level = level.and_then(|level| level.parse::<Level>().ok());
    let level = LevelFilter::from_level(level.unwrap_or(Level::INFO));
    // No colour: log collectors read it, too.
    let layer = fmt::layer()
        .with_writer(output)
        .with_ansi(false)
        .with_target(false);
    let own = Targets::new().with_target("claviger", level);
    Registry::default()
        .with(layer.with_filter(own))
        .set_default()
}

/// Where lines go.
trait Sink: Send + 'static {
    fn write_line(&mut self, line: &str) -> io::Result<()>;
}

impl Sink for LogFile {
    fn write_line(&mut self, line: &str) -> io::Result<()> {
        self.write(line)
    }
}

impl Sink for io::Stderr {
    fn write_line(&mut self, line: &str) -> io::Result<()> {
        io::Write::write_all(self, line.as_bytes())
    }
}

impl Sink for io::Sink {
    fn write_line(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
}

/// Writes each event as one line.
struct Output<S>(Mutex<S>);

impl<'a, S: Sink> MakeWriter<'a> for Output<S> {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl<S: Sink> io::Write for &Output<S> {
    /// Writes one event: the layer formats it whole before it writes it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = escape::line(&String::from_utf8_lossy(event));
        // A full disk or a closed stderr must not end the daemon, and has no better place to be
        // reported at.
        let _ = sync::lock(&self.0).write_line(&line);
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_its_fields_contain() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("state/daemon.log");
        let log = Log::to(path.clone(), None);
        assert_eq!(
            (log.problem.as_deref(), log.file.as_deref()),
            (None, Some(&*path))
        );
        let hostile = "/a\n2026-01-01T00:00:00Z  INFO forged\x1b[2J\u{202e}$(id)";
        tracing::info!(target: "claviger", path = %Path::new(hostile).display(), "message\r{hostile}");
        tracing::warn!(target: "claviger", ?hostile, text = hostile);
        tracing::info!(target: "library", "is not ours");
        drop(log);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        let escaped = "/a\\n2026-01-01T00:00:00Z  INFO forged\\x1b[2J\\u{202e}$(id)";
        assert!(text.contains(&format!("message\\r{escaped}")), "{text}");
        assert!(text.contains(&format!("path={escaped}")), "{text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
    }

    #[test]
    fn without_a_usable_file_the_reason_is_known() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("state/daemon.log");
        drop(Log::to(path.clone(), None));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let log = Log::to(path.clone(), None);
        let problem = log.problem.as_deref().unwrap();
        assert!(problem.contains("daemon.log'"), "{problem}");
        assert_eq!(log.file.as_deref(), Some(&*path));
        tracing::info!(target: "claviger", "is lost");
    }

    #[test]
    fn a_line_that_cannot_be_written_is_lost() {
        struct Full;

        impl Sink for Full {
            fn write_line(&mut self, _: &str) -> io::Result<()> {
                Err(io::ErrorKind::StorageFull.into())
            }
        }

        let output = Output(Mutex::new(Full));
        io::Write::write_all(&mut &output, b"event\n").unwrap();
    }
}
