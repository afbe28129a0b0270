//! Where in the file the work is, and what was wrong so far.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
};

use super::super::{document::Issue, model::SecretRef};
use crate::template::{Template, is_env_name};

/// A place in the file and the issues found so far. Its methods take a key of the table that it stands in.
///
/// Wherever one returns `None` for want of a right value, it has noted an issue; the work goes on to find the others.
pub(super) struct Scope {
    path: Vec<String>,
    issues: Vec<Issue>,
}

impl Scope {
    /// At the root, with no issues.
    pub(super) fn new() -> Self {
        Self {
            path: Vec::new(),
            issues: Vec::new(),
        }
    }

    /// What was wrong.
    pub(super) fn into_issues(self) -> Vec<Issue> {
        self.issues
    }

    /// Works in the table `key`.
    pub(super) fn within<T>(&mut self, key: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(key.to_owned());
        let done = work(self);
        self.path.pop();
        done
    }

    /// Notes that `key` is wrong: `what` is the end of a sentence that starts with it.
    pub(super) fn refuse(&mut self, key: &str, what: &str) {
        let path = self.path.iter().cloned().chain([key.to_owned()]).collect();
        self.issues.push(Issue::of_key(path, what));
    }

    /// Notes that the table is wrong: `what` is the end of a sentence that starts with it.
    pub(super) fn refuse_table(&mut self, what: &str) {
        self.issues.push(Issue::of_table(self.path.clone(), what));
    }

    /// The value of `key`, or a note of why there is none.
    pub(super) fn keep<T, E: Display>(&mut self, key: &str, result: Result<T, E>) -> Option<T> {
        result
            .map_err(|error| self.refuse(key, &error.to_string()))
            .ok()
    }

    /// A template.
    pub(super) fn template(&mut self, key: &str, text: &str) -> Option<Template> {
        self.keep(key, Template::parse(text))
    }

    /// A file that a key names. The daemon's working directory is no place that anybody could know.
    pub(super) fn absolute(&mut self, key: &str, text: String) -> Option<PathBuf> {
        let path = PathBuf::from(text);
        if path.is_absolute() {
            return Some(path);
        }
        // Not quoted: some write the secret where its file's name belongs.
        self.refuse(key, "is not an absolute path");
        None
    }

    /// [`Scope::absolute`] for a key that may be left out.
    pub(super) fn absolute_if_any(
        &mut self,
        key: &str,
        text: Option<String>,
    ) -> Option<Option<PathBuf>> {
        match text {
            Some(text) => self.absolute(key, text).map(Some),
            None => Some(None),
        }
    }

    /// The secret that `NAME_file` or `NAME_env` names.
    pub(super) fn secret(
        &mut self,
        name: &str,
        file: Option<String>,
        env: Option<String>,
    ) -> Option<SecretRef> {
        let secret = self.secret_if_any(name, file, env)?;
        if secret.is_none() {
            self.refuse_table(&format!(
                "has neither '{name}_file' nor '{name}_env'; it takes one of them"
            ));
        }
        secret
    }

    /// [`Scope::secret`] for one that may be left out.
    pub(super) fn secret_if_any(
        &mut self,
        name: &str,
        file: Option<String>,
        env: Option<String>,
    ) -> Option<Option<SecretRef>> {
        match (file, env) {
            (None, None) => Some(None),
            (Some(file), None) => {
                let path = self.absolute(&format!("{name}_file"), file)?;
                Some(Some(SecretRef::File(path)))
            }
            (None, Some(env)) if is_env_name(&env) => Some(Some(SecretRef::Env(env))),
            (None, Some(_)) => {
                self.refuse(
                    &format!("{name}_env"),
                    "is not the name of a variable: ASCII letters, digits and '_', the first not a digit",
                );
                None
            }
            (Some(_), Some(_)) => {
                self.refuse_table(&format!(
                    "has both '{name}_file' and '{name}_env'; it takes one of them"
                ));
                None
            }
        }
    }
}

/// Whether a program's template starts as an absolute path does.
pub(super) fn is_absolute(template: &Template) -> bool {
    Path::new(template.as_str()).is_absolute()
}
