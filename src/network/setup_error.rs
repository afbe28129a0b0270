//! The configuration does not allow a client to be built.

use crate::named_file::FileError;

/// A client that cannot be built, because of the configuration or a file or variable that it names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct SetupError {
    /// The problem, with the file or the variable.
    pub(crate) reason: String,
    /// The one thing to do now.
    pub(crate) hint: String,
}

impl From<FileError> for SetupError {
    fn from(FileError { reason, hint }: FileError) -> Self {
        Self { reason, hint }
    }
}
