use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

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

/// Neither the highest level nor a filter of several programs, as in `RUST_LOG`, has them.
#[test]
fn a_librarys_events_and_spans_are_not_logged_at_any_level() {
    let temp = tempfile::tempdir().unwrap();
    for (level, is_trace) in [
        ("trace", true),
        ("TRACE", true),
        (
            "trace,hyper=trace,rustls=trace,h2=trace,reqwest=trace",
            false,
        ),
        ("hyper=trace", false),
    ] {
        let path = temp.path().join(level).join("daemon.log");
        let log = Log::to(path.clone(), Some(level), Format::Text);
        let span = tracing::trace_span!(target: "reqwest", "request", header = "canary");
        span.in_scope(|| {
            tracing::trace!(target: "claviger::network", "own trace");
            tracing::info!(target: "claviger", "own");
            tracing::error!(target: "hyper::proto", "canary");
            tracing::trace!(target: "rustls", "canary");
            tracing::trace!(target: "h2", "canary");
        });
        drop(log);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("canary"), "{level}: {text}");
        assert_eq!(text.contains("own trace"), is_trace, "{level}: {text}");
        assert!(text.contains("INFO own"), "{level}: {text}");
    }
}

/// It would otherwise wait for itself.
#[test]
fn an_event_while_one_is_written_is_lost() {
    struct Reporting(Arc<AtomicUsize>);

    impl Sink for Reporting {
        fn write_line(&mut self, _: Level, _: &str) -> io::Result<()> {
            self.0.fetch_add(1, SeqCst);
            assert!(on_any_thread(
                || tracing::error!(target: "claviger", "within")
            ));
            Ok(())
        }
    }

    let written = Arc::new(AtomicUsize::new(0));
    let _log = start(Reporting(Arc::clone(&written)), None, Format::Text);
    tracing::info!(target: "claviger", "first");
    tracing::info!(target: "claviger", "second");
    assert_eq!(written.load(SeqCst), 2);
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
