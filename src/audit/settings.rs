//! Where the log is, and who gets it.

use std::path::{Path, PathBuf};

use super::hash::Hash;

/// What the configuration says of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The directory of the files.
    pub(crate) directory: PathBuf,
    /// The names of the files.
    pub(crate) names: Names,
    /// The group that may read them; `None` for the user alone.
    pub(crate) group: Option<String>,
    /// The size in bytes that a file does not exceed.
    pub(crate) max_len: u64,
    /// How many files are kept beside the current one.
    pub(crate) keep: u32,
    /// Whether each record also goes to systemd's journal.
    pub(crate) journal: bool,
    /// Whether each record also goes to syslog.
    pub(crate) syslog: bool,
}

/// The names of the files of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names(String);

impl Names {
    /// The names for the daemon on `socket`; `None` for the one on the user's usual socket. Two
    /// daemons of one user have two logs.
    #[must_use]
    pub(crate) fn new(socket: Option<&Path>) -> Self {
        Self(socket.map_or_else(
            || "audit".to_owned(),
            |socket| {
                let hash = Hash::of(socket.as_os_str().as_encoded_bytes()).to_string();
                format!("audit-{}", &hash[..8])
            },
        ))
    }

    /// The current file.
    pub(crate) fn log(&self) -> String {
        format!("{}.log", self.0)
    }

    /// The file that is `age` rotations old, from 1.
    pub(crate) fn older(&self, age: u32) -> String {
        format!("{}.{age}.log", self.0)
    }

    /// The age of the file `name`, 0 for the current one; `None` if it is not of this log.
    pub(crate) fn age(&self, name: &str) -> Option<u32> {
        let rest = name.strip_prefix(&self.0)?.strip_suffix(".log")?;
        if rest.is_empty() {
            return Some(0);
        }
        let age: u32 = rest.strip_prefix('.')?.parse().ok()?;
        (age > 0 && self.older(age) == name).then_some(age)
    }

    /// The file with the last record's number and hash.
    pub(crate) fn head(&self) -> String {
        format!("{}.head", self.0)
    }

    /// The file that excludes other writers.
    pub(super) fn lock(&self) -> String {
        format!("{}.lock", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_one_log_are_known_by_their_names() {
        let names = Names::new(None);
        assert_eq!(names.age(&names.log()), Some(0));
        assert_eq!(names.age(&names.older(12)), Some(12));
        let other = Names::new(Some(Path::new("/run/other.sock")));
        for name in [
            other.log(),
            other.older(1),
            names.head(),
            names.older(0),
            "audit.01.log".to_owned(),
            "audit.+1.log".to_owned(),
            "audit.log.1".to_owned(),
        ] {
            assert_eq!(names.age(&name), None, "{name}");
        }
        assert_eq!(other.age(&other.older(3)), Some(3));
    }
}
