//! A directory that is the user's alone.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, Mode, OFlags},
    io::Errno,
};
use zeroize::Zeroizing;

use super::{
    observed, user,
    walk::{Directory, End, Walk, Way},
};
use crate::trust::{RegularFile, TrustError, rule::Rule};

/// The mode of a file that Claviger makes.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

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
        let file = fs::openat(&self.0.fd, name, flags, PRIVATE)?;
        let found = fs::fstat(&file)?;
        judge(&found)?;
        if Mode::from_raw_mode(found.st_mode) != PRIVATE {
            fs::fchmod(&file, PRIVATE)?;
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

    /// Reads the file `name`, which has at most `limit` bytes. It must be a regular file of the
    /// user's that no other user can read or write.
    ///
    /// # Errors
    ///
    /// The violation, or the system's error.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, TrustError> {
        // A FIFO that has the name is not waited for.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = fs::openat(&self.0.fd, name, flags, Mode::empty())?;
        let file = RegularFile::new(self.0.path.join(name), File::from(file))?;
        file.judge(&Rule::private_file())?;
        Ok(file.read(limit)?)
    }

    /// Writes `bytes` to the file `name`, which has mode 0600 and is replaced as a whole: after a
    /// crash it has its old content or its new one. The caller excludes other writers.
    ///
    /// # Errors
    ///
    /// The system's error. The file is as it was, unless only its durability is in question.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = replacement(name);
        // A crash may have left one.
        self.unlink(&new)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = File::from(fs::openat(&self.0.fd, &new, flags, PRIVATE)?);
        file.write_all(bytes)?;
        file.sync_all()?;
        self.rename(&new, name)?;
        self.sync()
    }

    /// Removes the file `name`, if it exists, and what a crash in [`Self::replace`] has left of it.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        self.unlink(name)?;
        self.unlink(&replacement(name))?;
        self.sync()
    }

    fn unlink(&self, name: &str) -> Result<(), Errno> {
        match fs::unlinkat(&self.0.fd, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            result => result,
        }
    }

    /// Makes the names durable.
    fn sync(&self) -> io::Result<()> {
        // The directory's own descriptor can only be used to open what it contains.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = fs::openat(&self.0.fd, ".", flags, Mode::empty())?;
        Ok(fs::fsync(directory)?)
    }
}

/// The name of a file's new content until it is complete.
fn replacement(name: &str) -> String {
    format!("{name}.new")
}
