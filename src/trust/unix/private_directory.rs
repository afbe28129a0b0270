//! A directory that is the user's alone.

use std::{fs::File, io, path::Path};

use rustix::{
    fs::{self, AtFlags, Mode, OFlags},
    io::Errno,
};

use super::{
    observed, user,
    walk::{Directory, End, Walk, Way},
};
use crate::trust::{TrustError, rule::Rule};

/// An open directory that belongs to the user and that no other user can enter, read or write. No
/// other user can replace it or a directory above it.
#[derive(Debug)]
pub(crate) struct PrivateDirectory(Directory);

impl PrivateDirectory {
    /// Opens the directory `path`, which must not be a link. If it or one above it does not exist,
    /// it is made with mode 0700.
    ///
    /// # Errors
    ///
    /// The first violation on the way, or the system's error.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, TrustError> {
        let walk = Walk::new(Way::Own).creating();
        match walk.ending(Rule::private_directory()).to(path)? {
            End::Directory(directory) => Ok(Self(directory)),
            End::Other { .. } => Err(Errno::NOTDIR.into()),
        }
    }

    /// Opens the file `name` for appending; makes it, with mode 0600, if it does not exist. It must
    /// be a regular file of the user's with no other name. If other users can read or write it, its
    /// mode is changed to 0600.
    ///
    /// # Errors
    ///
    /// The violation, or the system's error.
    pub(crate) fn append(&self, name: &str) -> Result<File, TrustError> {
        let path = self.0.path.join(name);
        let judge = |found: &fs::Stat| Rule::own_file().judge(&path, &observed(found), user());
        match fs::statat(&self.0.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            // Before it is opened: opening a device may have an effect.
            Ok(found) => drop(judge(&found)?),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            // A FIFO that has the name by now: opening it fails instead of blocking.
            | OFlags::NONBLOCK
            | OFlags::NOCTTY
            | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = fs::openat(&self.0.fd, name, flags, mode)?;
        let found = fs::fstat(&file)?;
        judge(&found)?;
        if Mode::from_raw_mode(found.st_mode) != mode {
            fs::fchmod(&file, mode)?;
        }
        Ok(File::from(file))
    }

    /// Renames the file `from` to `to`, which is replaced.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::renameat(&self.0.fd, from, &self.0.fd, to)?)
    }
}
