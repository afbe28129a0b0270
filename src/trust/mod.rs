//! The rules on files and directories: who may own, write and read them, and whether they may be
//! links.
//!
//! - The managed configuration, and every directory and link on its path ([`ManagedOwner`]): owned
//!   by root, written by root alone. Links are followed and judged.
//! - A user's own configuration ([`RegularFile::open_judged`], [`Rule::user_file`]): owned by the
//!   user or root, written by the owner alone. Links are followed. Every directory and link on
//!   the way is the user's or root's, and no other user can write it ([`place`]).
//! - A file with a secret ([`Rule::secret_file`]): as above, with a warning if others can read it.
//! - The socket's and the log's directory ([`PrivateDirectory`]): owned by the user, closed to all
//!   others, not a link, below directories as above. The log is a regular file of the user's.
//! - The directory of the sealed logins, and each file in it: as above, and closed to all others.
//! - The audit log: as the daemon's log, or in a directory of the user's that one group may read.
//! - A program that the daemon runs ([`program`]): owned and written as a user's configuration.
//! - A program that may ask for a key ([`ManagedOwner::program`]): owned and written, and every
//!   directory and link on its path, as the managed configuration. On Linux it is the executed file
//!   that is judged, and its path only if it leads to that file.
//!
//! On macOS the group `admin` may write programs and the directories on a way, as root may.
//!
//! A rule is data that is applied to what was observed (kind, owner and mode on Unix, an access
//! list on Windows), so it is tested without a file. What is used is judged after it is opened, in
//! the directory that was judged before it, so it is the judged file that is used even if a name
//! changes hands.
//!
//! On Windows the files in a user's profile inherit an access list that excludes other users; only
//! the managed configuration is judged there.
//!
//! One exception: the client in `helper-shim` uses the standard library alone and therefore judges
//! the socket's directory itself, by the rule of [`PrivateDirectory`].

#[cfg(any(windows, test))]
mod acl;
mod regular_file;
#[cfg(unix)]
mod rule;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{fmt, io, path::PathBuf};

pub(crate) use self::regular_file::{ReadError, RegularFile};
#[cfg(target_os = "linux")]
pub(crate) use self::unix::ExecutedFile;
#[cfg(unix)]
pub(crate) use self::unix::place;
#[cfg(windows)]
pub(crate) use self::windows::place;
#[cfg(windows)]
pub(crate) use self::windows::{ManagedOwner, PrivateDirectory, Rule, program};
#[cfg(unix)]
pub(crate) use self::{
    rule::Rule,
    unix::{ManagedOwner, PrivateDirectory, program, socket},
};

/// What a rule says about a file that it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// Nothing to add.
    Trusted,
    /// Other users can read it, which a secret should not allow.
    #[cfg_attr(windows, expect(dead_code, reason = "no rule there looks at readers"))]
    ReadableByOthers {
        /// The permission bits.
        mode: u32,
    },
}

/// A file or directory that breaks a rule. `Display` is `'PATH' PROBLEM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The file, or a directory or link on its path.
    pub(crate) path: PathBuf,
    /// The end of a sentence that starts with the path: `is writable by others (mode 0666)`.
    pub(crate) problem: String,
    /// What to do now.
    pub(crate) hint: String,
}

/// A path that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// It cannot be looked at.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It breaks a rule.
    #[error("{0}")]
    Violation(Violation),
}

impl From<ReadError> for TrustError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => Self::Io(error),
            other => Self::Io(io::Error::other(other.to_string())),
        }
    }
}

impl From<Violation> for TrustError {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' {}", self.path.display(), self.problem)
    }
}
