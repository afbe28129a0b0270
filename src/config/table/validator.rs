//! The rules between keys: the place in the file, and the mistakes found so far.

use super::{
    super::{
        document::Diagnostic,
        field::{EnvName, FilePath},
        suggest::{quote, suggest},
    },
    secret_ref::SecretRef,
};

/// A table of the file and the mistakes found so far. Its methods refer to keys of that table.
///
/// A method that returns `None` instead of a value has recorded an error; validation goes on to
/// find the others.
pub(super) struct Validator {
    path: Vec<String>,
    diagnostics: Vec<Diagnostic>,
}

impl Validator {
    /// A validator at the root table.
    pub(super) fn new() -> Self {
        Self {
            path: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    /// The mistakes, in the order in which they were found.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// Validates within the table `key`.
    pub(super) fn within<T>(&mut self, key: &str, validate: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(key.to_owned());
        let value = validate(self);
        self.path.pop();
        value
    }

    /// Records an error of `key`.
    pub(super) fn error(&mut self, key: &str, problem: &str) {
        let path = self.path.iter().cloned().chain([key.to_owned()]).collect();
        self.diagnostics.push(Diagnostic::of_key(path, problem));
    }

    /// Records an error of the whole table.
    pub(super) fn error_of_table(&mut self, problem: &str) {
        let diagnostic = Diagnostic::of_table(self.path.clone(), problem);
        self.diagnostics.push(diagnostic);
    }

    /// Records that the table lacks a key; `what` names those that it could be.
    pub(super) fn missing(&mut self, what: &str) {
        let diagnostic = Diagnostic::missing(self.path.clone(), what, "");
        self.diagnostics.push(diagnostic);
    }

    /// The secret that exactly one of `NAME_file` and `NAME_env` names.
    pub(super) fn secret(
        &mut self,
        name: &str,
        file: Option<FilePath>,
        env: Option<EnvName>,
    ) -> Option<SecretRef> {
        let secret = self.optional_secret(name, file, env)?;
        if secret.is_none() {
            self.missing(&format!("'{name}_file' or '{name}_env'"));
        }
        secret
    }

    /// The secret that at most one of `NAME_file` and `NAME_env` names.
    pub(super) fn optional_secret(
        &mut self,
        name: &str,
        file: Option<FilePath>,
        env: Option<EnvName>,
    ) -> Option<Option<SecretRef>> {
        match (file, env) {
            (None, None) => Some(None),
            (Some(file), None) => Some(Some(SecretRef::File(file))),
            (None, Some(env)) => Some(Some(SecretRef::Env(env.into()))),
            (Some(_), Some(_)) => {
                self.error_of_table(&format!(
                    "expected either '{name}_file' or '{name}_env', got both"
                ));
                None
            }
        }
    }

    /// Checks that the source `name`, which `key` refers to, is one of `sources`.
    pub(super) fn source_exists(&mut self, key: &str, name: &str, sources: &[&str]) -> bool {
        let exists = sources.contains(&name);
        if !exists {
            let hint = suggest(name, sources.iter().copied());
            self.error(key, &format!("unknown source {}{hint}", quote(name)));
        }
        exists
    }
}
