//! Wrong configurations: each file of `wrong/` starts with its expected problems as comments, each
//! `# LINE:COLUMN: MESSAGE` and continued on lines that are indented by two more blanks.

use std::{fs, path::Path};

use super::{super::error::ConfigError, parse};

const EXAMPLE: &str = include_str!("accepted/example.toml");

fn problems(text: &str) -> Vec<String> {
    match parse(Path::new("/c.toml"), text) {
        Ok(_) => Vec::new(),
        Err(error) => error.problems().map(ToString::to_string).collect(),
    }
}

#[test]
fn every_problem_is_reported_in_the_order_of_the_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/tests/wrong");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let expected: Vec<_> = text
            .lines()
            .map_while(|line| line.strip_prefix("# "))
            .collect();
        let expected = expected.join("\n").replace("\n  ", " ");
        assert_eq!(problems(&text).join("\n"), expected, "{}", path.display());
        count += 1;
    }
    assert!(count > 10, "{count} files");
}

#[test]
fn the_first_problem_is_the_message() {
    let text = EXAMPLE
        .replace("kv      = 2", "kv = 3")
        .replace("version = 1", "version = 0");
    let error = parse(Path::new("/c.toml"), &text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/c.toml:1:1: 'version': expected 1, got 0 (and 1 more)"
    );
    assert!(matches!(error, ConfigError::Invalid { .. }));
}

/// The parser takes any text after a digit as a number.
#[test]
fn a_number_that_is_none_is_shown_without_control_characters() {
    let text = EXAMPLE.replace("version = 1\n", "version = 1_a\u{1f}b\n");
    assert_eq!(
        problems(&text),
        [r"1:1: 'version': expected 1, got '1a\u{1f}b'"]
    );
    let long = EXAMPLE.replace(
        "version = 1\n",
        &format!("version = {}\n", "9".repeat(4096)),
    );
    let messages = problems(&long);
    assert!(messages[0].len() < 200, "{messages:?}");
}

/// Every value of the example in turn is replaced by one that must not be in a message.
#[test]
fn no_value_of_a_wrong_type_is_repeated() {
    for line in EXAMPLE.lines().filter(|line| line.contains('=')) {
        let (key, _) = line.split_once('=').unwrap();
        for value in ["['hunter2']", "{ hunter = 'hunter2' }", "'hunter2"] {
            let text = EXAMPLE.replace(line, &format!("{key}= {value}"));
            for message in problems(&text) {
                assert!(!message.contains("hunter2"), "{message}");
            }
        }
    }
}
