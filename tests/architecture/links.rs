//! Links in documents lead to a file of this tree, and to a heading of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{source_tree::root, violations::Violations};

/// The places of documents: all files and those below all directories that end in `.md`.
const PLACES: [&str; 5] = ["README.md", "CHANGELOG.md", ".github", "packaging", "tests"];

#[test]
fn every_link_within_the_tree_resolves() {
    let mut violations = Violations::default();
    let mut count = 0;
    for document in documents() {
        let file = document.strip_prefix(root()).unwrap().display().to_string();
        let text = fs::read_to_string(&document).unwrap();
        for (line, link) in links(&text) {
            count += 1;
            if let Err(problem) = resolve(&document, link) {
                violations.at(&file, line, format!("{link}: {problem}"));
            }
        }
    }
    assert!(count > 20, "{count} links");
    violations.assert_none("name an existing file, and a heading as GitHub writes it in addresses");
}

fn documents() -> Vec<PathBuf> {
    let mut documents = Vec::new();
    let mut left: Vec<_> = PLACES.iter().map(|place| root().join(place)).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|end| end == "md") {
            documents.push(path);
        }
    }
    documents
}

/// The targets of all links to files, with their lines; code has none.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut is_code = false;
    for (line, text) in text.lines().enumerate() {
        if text.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        // The parts of a line outside of backquotes are every other one.
        for part in text.split('`').step_by(2).filter(|_| !is_code) {
            let targets = part.split("](").skip(1);
            let targets = targets.filter_map(|rest| Some(rest.split_once(')')?.0));
            let is_local =
                |target: &&str| !target.contains("://") && !target.starts_with("mailto:");
            links.extend(targets.filter(is_local).map(|target| (line + 1, target)));
        }
    }
    links
}

fn resolve(document: &Path, link: &str) -> Result<(), &'static str> {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => document.to_owned(),
        _ => document.parent().unwrap().join(file),
    };
    if !target.exists() {
        return Err("no such file");
    }
    if heading.is_empty() {
        return Ok(());
    }
    let text = fs::read_to_string(target).unwrap_or_default();
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    match headings.any(|line| anchor(line) == heading) {
        true => Ok(()),
        false => Err("no such heading"),
    }
}

/// The address of a heading on GitHub.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let text = "[a](README.md#what-it-is) `[b](none)` [c](https://example.com)\n```\n[d](none)\n```\n[e](#x)";
    assert_eq!(links(text), [(1, "README.md#what-it-is"), (5, "#x")]);
    let readme = root().join("README.md");
    assert_eq!(resolve(&readme, "#security-model"), Ok(()));
    assert_eq!(resolve(&readme, ".github/SECURITY.md#dependencies"), Ok(()));
    assert!(resolve(&readme, "#no-such-heading").is_err());
    assert!(resolve(&readme, "none.md").is_err());
}
