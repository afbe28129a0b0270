//! A secret that the configuration refers to and does not contain.

use super::super::field::FilePath;

/// A secret that the configuration refers to and does not contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretRef {
    /// `*_file`: read at every use, so that it can be replaced.
    File(FilePath),
    /// `*_env`: the name of a variable of the asking client's environment.
    Env(String),
}
