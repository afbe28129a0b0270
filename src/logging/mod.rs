//! The daemon's log: one line for each event. It contains only this program's own events, at every
//! level: a library's could repeat a secret.
//!
//! The log never keeps the daemon from serving: without a usable file it does not log, and a line
//! that cannot be written is lost.

mod escape;
mod file;
mod format;
mod journal;
mod tail;

use std::{
    cell::Cell,
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use tracing::{
    Dispatch, Level, Metadata,
    dispatcher::{self, DefaultGuard, WeakDispatch},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
};

pub(crate) use self::{
    escape::visible_json, file::OLDER as OLDER_FILE_NAME, format::Format,
    journal::is_stderr as is_journal, tail::tail,
};
use self::{file::LogFile, journal::Journal};
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
    /// Logs to stderr: for a daemon in the foreground. `level` is error, warn, info (the default),
    /// debug or trace.
    #[must_use]
    pub(crate) fn to_stderr(level: Option<&str>, format: Format) -> Self {
        Self {
            file: None,
            problem: None,
            _guard: start(io::stderr(), level, format),
        }
    }

    /// Logs to stderr, which is the journal of systemd: each line starts with its level and has no
    /// time, which the journal records itself. `level` is as above.
    #[must_use]
    pub(crate) fn to_journal(level: Option<&str>, format: Format) -> Self {
        Self {
            file: None,
            problem: None,
            _guard: start(Journal(io::stderr()), level, format),
        }
    }

    /// Logs to the daemon's file `path`. If that cannot be used, nothing is logged. `level` is as
    /// above.
    #[must_use]
    pub(crate) fn to_file(path: Option<PathBuf>, level: Option<&str>, format: Format) -> Self {
        match path {
            Some(path) => Self::to(path, level, format),
            None => Self::nowhere(None, "the state directory is not known".to_owned()),
        }
    }

    fn to(path: PathBuf, level: Option<&str>, format: Format) -> Self {
        match LogFile::open(path.parent().unwrap_or(Path::new("/"))) {
            Ok(log) => Self {
                file: Some(path),
                problem: None,
                _guard: start(log, level, format),
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
            _guard: start(io::sink(), None, Format::Text),
        }
    }
}

fn start<S: Sink>(sink: S, level: Option<&str>, format: Format) -> DefaultGuard {
    let level = level.and_then(|level| level.parse::<Level>().ok());
    let level = LevelFilter::from_level(level.unwrap_or(Level::INFO));
    let output = Output {
        sink: Mutex::new(sink),
        escape: match format {
            Format::Text => escape::line,
            Format::Json => escape::json_line,
        },
    };
    // No colour: log collectors read it, too.
    let layer = fmt::layer()
        .with_writer(output)
        .with_ansi(false)
        .with_target(false);
    let layer = match format {
        Format::Text if S::HAS_TIMES => layer.without_time().boxed(),
        Format::Text => layer.boxed(),
        Format::Json => {
            let layer = layer.json().flatten_event(true).with_span_list(false);
            match S::HAS_TIMES {
                true => layer.without_time().boxed(),
                false => layer.boxed(),
            }
        }
    };
    let own = Targets::new().with_target("claviger", level);
    let log = Dispatch::new(Registry::default().with(layer.with_filter(own)));
    *sync::lock(&CURRENT) = Some(log.downgrade());
    IS_DAEMONS.set(true);
    dispatcher::set_default(&log)
}

/// The log of this process, for threads other than the daemon's own.
static CURRENT: Mutex<Option<WeakDispatch>> = Mutex::new(None);

thread_local! {
    /// Whether the log has the events of this thread by default.
    #[cfg_attr(
        windows,
        expect(
            clippy::missing_const_for_thread_local,
            reason = "clippy overlooks the 'const' for this system"
        )
    )]
    static IS_DAEMONS: Cell<bool> = const { Cell::new(false) };
}

/// Calls `report`, whose events are logged, on whichever thread that is. Returns whether this
/// process has a log.
pub(crate) fn on_any_thread(report: impl FnOnce()) -> bool {
    if IS_DAEMONS.get() {
        // If an event is being written, `report` has no log, because it would wait for itself; a
        // change of the default would panic.
        report();
        return true;
    }
    let log = sync::lock(&CURRENT)
        .as_ref()
        .and_then(WeakDispatch::upgrade);
    if let Some(log) = &log {
        dispatcher::with_default(log, report);
    }
    log.is_some()
}

/// Where lines go.
trait Sink: Send + 'static {
    /// Whether it records the time of each line itself.
    const HAS_TIMES: bool = false;

    fn write_line(&mut self, level: Level, line: &str) -> io::Result<()>;
}

impl Sink for LogFile {
    fn write_line(&mut self, _: Level, line: &str) -> io::Result<()> {
        self.write(line)
    }
}

impl Sink for io::Stderr {
    fn write_line(&mut self, _: Level, line: &str) -> io::Result<()> {
        io::Write::write_all(self, line.as_bytes())
    }
}

impl Sink for io::Sink {
    fn write_line(&mut self, _: Level, _: &str) -> io::Result<()> {
        Ok(())
    }
}

/// Writes each event as one line.
struct Output<S> {
    sink: Mutex<S>,
    escape: fn(&str) -> String,
}

impl<'a, S: Sink> MakeWriter<'a> for Output<S> {
    type Writer = EventWriter<'a, S>;

    fn make_writer(&'a self) -> Self::Writer {
        EventWriter {
            output: self,
            level: Level::INFO,
        }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Self::Writer {
        EventWriter {
            output: self,
            level: *event.level(),
        }
    }
}

/// Writes one event.
struct EventWriter<'a, S> {
    output: &'a Output<S>,
    level: Level,
}

impl<S: Sink> io::Write for EventWriter<'_, S> {
    /// Writes one event: the layer formats it whole before it writes it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = (self.output.escape)(&String::from_utf8_lossy(event));
        // A full disk or a closed stderr must not end the daemon, and has no better place to be
        // reported at.
        let _ = sync::lock(&self.output.sink).write_line(self.level, &line);
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
