//! The configuration does not allow a client to be built.

use crate::{named_file::FileError, template::ResolveError};

/// A client that cannot be built, because of the configuration or a file or variable that it names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SetupError {
    /// The problem, with the file or the variable.
    pub(crate) reason: String,
    /// The one thing to do now.
    pub(crate) hint: String,
    /// Whether a variable of the client's environment is at fault.
    pub(crate) is_of_client: bool,
}

impl SetupError {
    /// The configuration, or a file that it names, is at fault.
    pub(crate) fn new(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            hint: hint.into(),
            is_of_client: false,
        }
    }

    /// The value of `key` cannot be resolved.
    pub(crate) fn unresolved(key: &str, error: &ResolveError) -> Self {
        Self {
            reason: format!("'{key}' cannot be resolved: {error}"),
            hint: error.hint(),
            is_of_client: error.variable().is_some(),
        }
    }
}

impl From<FileError> for SetupError {
    fn from(FileError { reason, hint }: FileError) -> Self {
        Self::new(reason, hint)
    }
}
