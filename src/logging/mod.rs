//! The daemon's log: one line for each event. It contains only this program's own events: a
//! library's could repeat a secret.
//!
//! The log never keeps the daemon from serving: without a usable file it does not log, and a line
//! that cannot be written is lost.

mod escape;
mod file;
mod format;
mod journal;
mod tail;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use tracing::{Level, Metadata, dispatcher::DefaultGuard, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
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
    /// Logs to stderr: for a daemon in the foreground. `level` is error, warn, info (the default)
    /// or debug.
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
    Registry::default()
        .with(layer.with_filter(own))
        .set_default()
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
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_its_fields_contain() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("state/daemon.log");
        let log = Log::to(path.clone(), None, Format::Text);
        assert_eq!(
            (log.problem.as_deref(), log.file.as_deref()),
            (None, Some(&*path))
        );
        let hostile = "/a\n2026-01-01T00:00:00Z  INFO forged\x1b[2J\u{202e}$(id)";
        tracing::info!(
            target: "claviger",
            path = %Path::new(hostile).display(),
            "message\r{hostile}",
        );
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
    fn an_event_in_json_is_one_object_with_its_fields_and_those_of_its_profile() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("state/daemon.log");
        let log = Log::to(path.clone(), None, Format::Json);
        let hostile = "a\n\"b\u{202e}\u{9b}\u{e0041}";
        let span = tracing::info_span!(target: "claviger", "profile", profile = hostile);
        span.in_scope(|| tracing::warn!(target: "claviger", event = "key-refused", hostile, "m"));
        drop(log);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            !text.contains(['\u{202e}', '\u{9b}', '\u{e0041}']),
            "{text}"
        );
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["event"], "key-refused");
        assert_eq!(
            (&line["level"], &line["message"]),
            (&"WARN".into(), &"m".into())
        );
        assert_eq!(
            (&line["hostile"], &line["span"]["profile"]),
            (&hostile.into(), &hostile.into())
        );
        assert!(line["timestamp"].is_string(), "{text}");
    }

    #[test]
    fn without_a_usable_file_the_reason_is_known() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("state/daemon.log");
        drop(Log::to(path.clone(), None, Format::Text));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let log = Log::to(path.clone(), None, Format::Text);
        let problem = log.problem.as_deref().unwrap();
        assert!(problem.contains("daemon.log'"), "{problem}");
        assert_eq!(log.file.as_deref(), Some(&*path));
        tracing::info!(target: "claviger", "is lost");
    }

    #[test]
    fn a_line_that_cannot_be_written_is_lost() {
        struct Full;

        impl Sink for Full {
            fn write_line(&mut self, _: Level, _: &str) -> io::Result<()> {
                Err(io::ErrorKind::StorageFull.into())
            }
        }

        let output = Output {
            sink: Mutex::new(Full),
            escape: escape::line,
        };
        io::Write::write_all(&mut output.make_writer(), b"event\n").unwrap();
    }
}
