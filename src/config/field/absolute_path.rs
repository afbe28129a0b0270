//! The path of a file that a key names.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

/// An absolute path: the daemon's working directory is unrelated to the place that a relative one
/// was written for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AbsolutePath(PathBuf);

impl FromStr for AbsolutePath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Path::new(text).is_absolute() {
            true => Ok(Self(PathBuf::from(text))),
            // Without the text: it may be the secret itself, written in place of its file's path.
            false => Err("expected an absolute path"),
        }
    }
}

impl From<AbsolutePath> for PathBuf {
    fn from(path: AbsolutePath) -> Self {
        path.0
    }
}
