//! No file is long, whether it is code or tests.

use std::{fs, path::Path};

use crate::{source_tree::root, violations::Violations};

/// The most lines of a file: it can still be read at one sitting, and has one concept.
const MAX_LINES: usize = 400;

/// Folders with Rust files.
const FOLDERS: [&str; 3] = ["src", "helper-shim", "tests"];

/// Files that stay as they are: copies of released versions.
const FROZEN: &str = "tests/it/frozen/";

#[test]
fn no_file_is_longer_than_400_lines() {
    let mut violations = Violations::default();
    for folder in FOLDERS {
        visit(Path::new(folder), &mut violations);
    }
    violations.assert_none("split the file: one concept each, tests last or in tests.rs");
}

fn visit(folder: &Path, violations: &mut Violations) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            visit(&path, violations);
            continue;
        }
        let name = path.to_str().unwrap().replace('\\', "/");
        if !name.ends_with(".rs") || name.starts_with(FROZEN) {
            continue;
        }
        let lines = fs::read_to_string(entry.path()).unwrap().lines().count();
        if lines > MAX_LINES {
            violations.at(&name, MAX_LINES, format!("{lines} lines"));
        }
    }
}
