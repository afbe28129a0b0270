//! A secret that the configuration refers to and does not contain.

use std::path::PathBuf;

/// A secret that the configuration refers to and does not contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretRef {
    /// `*_file`: read at every use, so that it can be replaced.
    File(PathBuf),
    /// `*_env`: the name of a variable of the daemon's environment.
    Env(String),
}
