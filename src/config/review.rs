//! A review of a configuration that is valid: what the daemon will refuse, and what its author
//! probably did not mean.
//!
//! The values are those of the file, so that a new key needs nothing here: a key that ends in
//! `_file` names a file, one that ends in `_env` a variable, and `command` starts with a program.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{
    document::{Diagnostic, Document},
    error::{ConfigError, Problem},
    field::FilePath,
    parse::MAX_LEN,
    presets::tables,
    table::{Config, Engine, Reveal, SourceConfig},
};
use crate::{
    template::{Template, is_env_name},
    trust::RegularFile,
};

/// The keys whose value is a template, beside the files.
const TEMPLATES: [&str; 5] = ["path", "mount", "username", "subject", "command"];

/// The keys whose value is passed on or shown as it is.
const LITERAL: [&str; 2] = ["claims", "support"];

/// The keys that restrict the user's own programs.
const RULES: [&str; 2] = ["allowed_callers", "reveal"];

/// The files that every user may read.
const PUBLIC_FILES: [&str; 2] = ["ca_file", "cert_file"];

/// A review under way: the document, and the findings so far.
pub(crate) struct Review<'i> {
    document: Document<'i>,
    findings: Vec<Finding>,
}

/// Something that is wrong or questionable, with its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Its place and description.
    pub(crate) problem: Problem,
    pub(crate) severity: Severity,
}

/// Whether the daemon refuses what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Error,
    Warning,
}

/// Something outside the configuration that a key names.
#[derive(Debug)]
pub(crate) struct Named {
    /// From the root to the key.
    pub(crate) key: Vec<String>,
    pub(crate) what: NamedThing,
}

/// What a key names.
#[derive(Debug)]
pub(crate) enum NamedThing {
    /// A file that every user may read, such as a certificate.
    PublicFile(FilePath),
    /// A file that contains a secret.
    SecretFile(FilePath),
    /// The program of a `command`.
    Program(Template),
    /// A variable of the client's environment.
    Variable(String),
}

/// The text of the file of `config`.
///
/// # Errors
///
/// [`ConfigError::Unreadable`]: the file was removed or changed since it was loaded.
pub(crate) fn text(config: &Config) -> Result<String, ConfigError> {
    let read = |path: &Path| {
        let bytes = RegularFile::open(path)?.read(MAX_LEN)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read(&config.file).map_err(|error: crate::trust::ReadError| ConfigError::Unreadable {
        file: config.file.clone(),
        reason: error.to_string(),
    })
}

impl<'i> Review<'i> {
    /// Reviews what the values say; `text` is that of `config`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`]: the text is another one by now.
    pub(crate) fn new(text: &'i str, config: &Config) -> Result<Self, ConfigError> {
        let document = Document::parse(text)
            .map_err(|problem| ConfigError::invalid(&config.file, vec![problem]))?;
        let mut review = Self {
            document,
            findings: Vec::new(),
        };
        let mut notes = Vec::new();
        walk(review.document.root(), &mut Vec::new(), &mut |key, text| {
            notes.extend(unexpanded(key, text).map(|note| (key.to_vec(), note)));
        });
        for (key, note) in notes {
            review.add(Severity::Warning, key, &note);
        }
        review.api_paths(config);
        review.short_max_ages(config);
        review.own_rules(config);
        review.policy_without_place(config);
        Ok(review)
    }

    /// Everything that the file names.
    pub(crate) fn named(&self) -> Vec<Named> {
        let mut named = Vec::new();
        let mut programs: Vec<Vec<String>> = Vec::new();
        walk(self.document.root(), &mut Vec::new(), &mut |key, text| {
            if is_literal(key) {
                return;
            }
            let name = key.last().map_or("", String::as_str);
            let what = if name.ends_with("_file") {
                let Ok(path) = text.parse() else {
                    return;
                };
                match PUBLIC_FILES.contains(&name) {
                    true => NamedThing::PublicFile(path),
                    false => NamedThing::SecretFile(path),
                }
            } else if name.ends_with("_env") && is_env_name(text) {
                NamedThing::Variable(text.to_owned())
            } else if name == "command" && !programs.iter().any(|known| known == key) {
                // The first item.
                programs.push(key.to_vec());
                let Ok(program) = text.parse() else {
                    return;
                };
                NamedThing::Program(program)
            } else {
                return;
            };
            named.push(Named {
                key: key.to_vec(),
                what,
            });
        });
        named
    }

    /// Adds a finding about `key`.
    pub(crate) fn add(&mut self, severity: Severity, key: Vec<String>, problem: &str) {
        let problem = self.document.locate(Diagnostic::of_key(key, problem));
        self.findings.push(Finding { problem, severity });
    }

    /// The findings in the order of the file.
    pub(crate) fn into_findings(mut self) -> Vec<Finding> {
        self.findings.sort();
        self.findings.dedup();
        self.findings
    }

    /// Finds paths of Vault's API, which has `data` or `metadata` after the mount point.
    fn api_paths(&mut self, config: &Config) {
        for (name, source) in &config.sources {
            let SourceConfig::Vault(vault) = source else {
                continue;
            };
            let part = vault.path.as_str().split('/').next().unwrap_or_default();
            if matches!(vault.engine, Engine::Kv2 { .. }) && matches!(part, "data" | "metadata") {
                let key = ["source", name, "path"].map(str::to_owned).to_vec();
                let problem = format!(
                    "has '{part}/' after the mount point, which only the path of Vault's API has; \
                     remove it unless the secret's own path starts so"
                );
                self.add(Severity::Warning, key, &problem);
            }
        }
    }

    /// Finds rules for other programs of a user who can change them.
    fn own_rules(&mut self, config: &Config) {
        if config.is_managed {
            return;
        }
        let mut rules = Vec::new();
        let root = self.document.root();
        let profiles = tables(root, "profile").map(|(path, table)| (path.to_vec(), table));
        for (path, table) in profiles.chain([(Vec::new(), root)]) {
            // 'reveal' restricts nothing by default.
            let keys = RULES.iter().filter(|key| {
                table.contains_key(**key) && (**key != "reveal" || config.reveal == Reveal::Never)
            });
            rules.extend(keys.map(|key| [&path[..], &[(*key).to_owned()]].concat()));
        }
        for key in rules {
            let problem = "can be changed by every program of the user's, unless this is the \
                           managed configuration";
            self.add(Severity::Warning, key, problem);
        }
    }

    /// Finds a pinned key that nothing is verified with.
    fn policy_without_place(&mut self, config: &Config) {
        let policy = &config.policy;
        // Below a managed configuration the policy is that of another file.
        let is_of_file = self.document.root().contains_key("policy");
        if is_of_file && !policy.public_keys.is_empty() && policy.place.is_none() {
            let key = ["policy", "public_keys"].map(str::to_owned).to_vec();
            let problem =
                "no central policy is in force: neither 'url' nor 'source' names its place";
            self.add(Severity::Warning, key, problem);
        }
    }

    /// Finds profiles whose key is too old before the source is asked whether it is current.
    fn short_max_ages(&mut self, config: &Config) {
        for (name, profile) in &config.profiles {
            let watch = config.watch(&profile.source);
            if watch.is_some_and(|watch| profile.max_age() <= watch) {
                let key = ["profile", name, "max_age"].map(str::to_owned).to_vec();
                let problem = format!(
                    "is not longer than 'watch' of source '{}', so that the key is read anew at \
                     nearly every request",
                    profile.source
                );
                self.add(Severity::Warning, key, &problem);
            }
        }
    }
}

/// Calls `visit` with the key and the text of every string in `table`, in lists too.
fn walk(table: &DeTable<'_>, key: &mut Vec<String>, visit: &mut impl FnMut(&[String], &str)) {
    for (name, value) in table {
        key.push(name.get_ref().as_ref().to_owned());
        walk_value(value.get_ref(), key, visit);
        key.pop();
    }
}

fn walk_value(value: &DeValue<'_>, key: &mut Vec<String>, visit: &mut impl FnMut(&[String], &str)) {
    match value {
        DeValue::String(text) => visit(key, text),
        DeValue::Array(items) => items
            .iter()
            .for_each(|item| walk_value(item.get_ref(), key, visit)),
        DeValue::Table(table) => walk(table, key, visit),
        _ => {}
    }
}

fn is_literal(key: &[String]) -> bool {
    key.iter().any(|name| LITERAL.contains(&name.as_str()))
}

/// What in `text` a shell would replace and Claviger does not.
fn unexpanded(key: &[String], text: &str) -> Option<String> {
    if is_literal(key) {
        return None;
    }
    let name = key.last().map_or("", String::as_str);
    let is_template = TEMPLATES.contains(&name) || name.ends_with("_file");
    if let Some((shown, variable)) = shell_variable(text) {
        return Some(match is_template {
            true => format!("'{shown}' is not replaced; expected '{{env:{variable}}}'"),
            false => format!("'{shown}' is not replaced: this key has no placeholders"),
        });
    }
    (name == "command" && text.starts_with('~'))
        .then(|| "'~' is not replaced in an argument; expected an absolute path".to_owned())
}

/// The first `$NAME`, `${NAME}` or `%NAME%` in `text`, and its name.
fn shell_variable(text: &str) -> Option<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for (at, mark) in text.match_indices(['$', '%']) {
        let rest = &text[at + 1..];
        let (braces, name) = match rest.strip_prefix('{') {
            Some(inner) if mark == "$" => (true, inner),
            _ => (false, rest),
        };
        let name = &name[..name.find(|c| !is_part(c)).unwrap_or(name.len())];
        let end = at + 1 + usize::from(braces) + name.len();
        let closed = match (mark, braces) {
            ("%", _) => text[end..].starts_with('%'),
            (_, true) => text[end..].starts_with('}'),
            // In lower case `$` may be a part of a name.
            (_, false) => name.chars().all(|c| !c.is_ascii_lowercase()),
        };
        if is_env_name(name) && closed {
            let end = end + usize::from(mark == "%" || braces);
            return Some((&text[at..end], name));
        }
    }
    None
}

#[cfg(test)]
#[path = "tests/review.rs"]
mod tests;
