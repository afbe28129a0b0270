//! What the fuzz target of the audit log asserts of the commands' output.

use std::path::PathBuf;

use super::{line, verify};
use crate::{
    audit::{Record, Verdict},
    cli::output::{self, WIDTH},
    hostile_input::assert_one_line,
};

/// Asserts what holds for the output about `files`, in which `verdict` was found.
pub(crate) fn printed(files: &[Vec<u8>], verdict: &Verdict) {
    for bytes in files {
        for line in String::from_utf8_lossy(bytes).lines() {
            let text = line::for_person(line);
            assert_one_line(&text);
            let is_record = serde_json::from_str::<Record>(line).is_ok();
            assert!(!is_record || text.chars().count() <= WIDTH, "{text}");
        }
    }
    let paths = (0..files.len()).map(|number| PathBuf::from(format!("audit.{number}.log")));
    let paths: Vec<_> = paths.collect();
    let report = verify::report(&paths, verdict);
    let mut text = Vec::new();
    let printed = verify::print(&mut text, &report);
    assert!(printed.is_ok(), "{printed:?}");
    for problem in &verdict.problems {
        let name = format!("audit.{}.log:{}: ", problem.place.file, problem.place.line);
        let text = String::from_utf8_lossy(&text);
        assert!(files.is_empty() || text.contains(&name), "{name}: {text}");
    }
    assert_lines(&text);
    let mut json = Vec::new();
    let printed = output::json(&mut json, &report);
    assert!(printed.is_ok(), "{printed:?}");
    assert_lines(&json);
    let json = serde_json::from_slice::<serde_json::Value>(&json);
    let is_whole = json.ok().and_then(|json| json["is_whole"].as_bool());
    assert_eq!(is_whole, Some(verdict.problems.is_empty()));
}

/// Asserts that `text` has no control characters but its line breaks.
#[track_caller]
fn assert_lines(text: &[u8]) {
    let text = str::from_utf8(text);
    assert!(text.is_ok(), "{text:?}");
    text.unwrap_or_default()
        .split('\n')
        .for_each(assert_one_line);
}
