//! Observing files on Windows: owner and access list, along a whole path.

#![expect(unsafe_code, reason = "security descriptors have no safe wrapper")]

use std::{
    ffi::c_void,
    fs::{self, File, Metadata},
    io::{self, Write as _},
    os::windows::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    ptr,
};

use windows_sys::Win32::{
    Foundation::{ERROR_SUCCESS, LocalFree},
    Security::{
        ACCESS_ALLOWED_ACE, ACE_HEADER, ACL,
        Authorization::{GetNamedSecurityInfoW, SE_FILE_OBJECT},
        DACL_SECURITY_INFORMATION, GetAce, INHERIT_ONLY_ACE, OWNER_SECURITY_INFORMATION,
        PSECURITY_DESCRIPTOR, PSID,
    },
};
use zeroize::Zeroizing;

use super::{
    RegularFile, Ruling, TrustError, Violation,
    acl::{self, AclFacts, Entry},
};
use crate::process::sid;

// Types of access entries (winnt.h).
const ACCESS_ALLOWED: u8 = 0;
const ACCESS_DENIED: u8 = 1;

/// The users that a managed configuration and the directories on its path must belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ManagedOwner {
    /// A SID accepted beside SYSTEM and Administrators, in its string form; `None` except in tests.
    pub(crate) sid: Option<String>,
    /// The directories above this one are not judged: none except in tests.
    pub(crate) below: PathBuf,
}

impl ManagedOwner {
    /// SYSTEM and Administrators, in every directory.
    #[must_use]
    pub(crate) fn of_this_machine() -> Self {
        Self {
            sid: None,
            below: PathBuf::new(),
        }
    }

    /// Opens `file`, after a check that no other user can write it or its directory, nor replace
    /// that directory or one above it.
    ///
    /// Further up, making new entries does no harm: `C:\ProgramData` lets every user do so, and
    /// none can touch the others'. Both the given path and the one that its links lead to are
    /// judged.
    ///
    /// # Errors
    ///
    /// The first [`Violation`], or the system's error.
    pub(crate) fn open(&self, file: &Path) -> Result<RegularFile, TrustError> {
        let real = self.judge(file)?;
        // Since the check only its trusted owners can have changed anything on the path.
        Ok(RegularFile::open(&real)?)
    }

    /// Checks the program `path` as [`Self::open`] checks a file.
    ///
    /// # Errors
    ///
    /// The first [`Violation`], or the system's error.
    pub(crate) fn program(&self, path: &Path) -> Result<(), TrustError> {
        self.judge(path).map(drop)
    }

    /// Judges `file`; returns the path that its links lead to.
    fn judge(&self, file: &Path) -> Result<PathBuf, TrustError> {
        let real = fs::canonicalize(file)?;
        for path in [file, real.as_path()] {
            for (above, at) in path.ancestors().enumerate() {
                if at.as_os_str().is_empty() || (at != self.below && self.below.starts_with(at)) {
                    continue;
                }
                // The file itself and its directory, then the directories above.
                let rights = if above < 2 { acl::WRITE } else { acl::REPLACE };
                let facts = Descriptor::of(at)?.facts()?;
                acl::judge(at, &facts, rights, self.sid.as_deref())?;
            }
        }
        Ok(real)
    }
}

/// Accepts a place that a variable or a flag names: only the user can set it, and other users
/// cannot write in the directories of a profile.
///
/// # Errors
///
/// None.
pub(crate) fn place(_: &Path) -> Result<(), TrustError> {
    Ok(())
}

/// Accepts a program: other users cannot write in the directories of a profile, nor in those of the
/// system.
///
/// # Errors
///
/// None.
pub(crate) fn program(_: &Path) -> Result<(), TrustError> {
    Ok(())
}

impl RegularFile {
    /// Opens the file `path` and judges it by `rule`.
    ///
    /// # Errors
    ///
    /// [`ReadError::NotRegular`](super::ReadError::NotRegular), or the system's error.
    pub(crate) fn open_judged(path: &Path, rule: &Rule) -> Result<Self, TrustError> {
        let file = Self::open(path)?;
        file.judge(rule)?;
        Ok(file)
    }
}

/// A directory of the user's, closed to other users by the access list that it inherits.
#[derive(Debug)]
pub(crate) struct PrivateDirectory(PathBuf);

impl PrivateDirectory {
    /// The directory `path`, which is made if it does not exist.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, TrustError> {
        fs::create_dir_all(path)?;
        Ok(Self(path.to_owned()))
    }

    /// Opens the file `name` for appending; makes it if it does not exist.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn append(&self, name: &str) -> Result<File, TrustError> {
        let mut options = File::options();
        Ok(options.create(true).append(true).open(self.0.join(name))?)
    }

    /// As [`Self::open_or_create`]: who may read is for the directory's access list to say.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn open_or_create_for(path: &Path, _: u32) -> Result<Self, TrustError> {
        Self::open_or_create(path)
    }

    /// Opens the file `name` for reading and for writing anywhere; makes it if it does not exist.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn update(&self, name: &str) -> Result<File, TrustError> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        Ok(options.open(self.0.join(name))?)
    }

    /// Whether there is a file `name`, of any kind.
    pub(crate) fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.0.join(name)).is_ok()
    }

    /// Whether the file `name` is `file`: it is if it exists, as an open file keeps its name unless
    /// a program takes care to allow the change.
    pub(crate) fn is_current(&self, name: &str, _: &File) -> bool {
        self.has(name)
    }

    /// Renames the file `from` to `to`, which is replaced.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    /// Reads the file `name`, which has at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, TrustError> {
        Ok(RegularFile::open(&self.0.join(name))?.read(limit)?)
    }

    /// Writes `bytes` to the file `name`, which is replaced as a whole: after a crash it has its
    /// old content or its new one. The caller excludes other writers.
    ///
    /// # Errors
    ///
    /// The system's error. The file is as it was.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = replacement(name);
        let mut file = File::create(self.0.join(&new))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // Open, it could not be renamed.
        drop(file);
        self.rename(&new, name)
    }

    /// Removes the file `name`, if it exists, and what a crash in [`Self::replace`] has left of it.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        for name in [name, &replacement(name)] {
            match fs::remove_file(self.0.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The name of a file's new content until it is complete.
fn replacement(name: &str) -> String {
    format!("{name}.new")
}

/// The rules on a user's own files, which accept every file: a profile's directories exclude other
/// users by the access list that their files inherit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule;

impl Rule {
    /// A user's own configuration.
    pub(crate) const fn user_file() -> Self {
        Self
    }

    /// A file with a secret.
    pub(crate) const fn secret_file() -> Self {
        Self
    }

    pub(super) fn judge_metadata(&self, _: &Path, _: &Metadata) -> Result<Ruling, Violation> {
        Ok(Ruling::Trusted)
    }
}

/// A file's owner and access list.
struct Descriptor {
    whole: PSECURITY_DESCRIPTOR,
    owner: PSID,
    list: *mut ACL,
}

impl Descriptor {
    fn of(path: &Path) -> io::Result<Self> {
        let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
        let mut descriptor = Self {
            whole: ptr::null_mut(),
            owner: ptr::null_mut(),
            list: ptr::null_mut(),
        };
        // SAFETY: the name ends with a zero; the pointers point to live places of their types.
        let code = unsafe {
            GetNamedSecurityInfoW(
                name.as_ptr(),
                SE_FILE_OBJECT,
                OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                &raw mut descriptor.owner,
                ptr::null_mut(),
                &raw mut descriptor.list,
                ptr::null_mut(),
                &raw mut descriptor.whole,
            )
        };
        match code {
            ERROR_SUCCESS => Ok(descriptor),
            code => Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }

    fn facts(&self) -> io::Result<AclFacts> {
        // SAFETY: the owner points into the descriptor, which lives as long as `self`.
        let owner = unsafe { sid::text(self.owner) }?;
        let entries = match self.list.is_null() {
            true => None,
            false => Some(self.entries()?),
        };
        Ok(AclFacts { owner, entries })
    }

    /// The entries that grant something on the file itself. The list is not null.
    fn entries(&self) -> io::Result<Vec<Entry>> {
        // SAFETY: the list is not null and lives as long as `self`.
        let count = unsafe { (*self.list).AceCount };
        let mut entries = Vec::new();
        for at in 0..u32::from(count) {
            let mut entry = ptr::null_mut();
            // SAFETY: as above; `entry` is a live place for a pointer.
            if unsafe { GetAce(self.list, at, &raw mut entry) } == 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: every entry starts with a header.
            let header = unsafe { *entry.cast::<ACE_HEADER>() };
            if u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0 || header.AceType == ACCESS_DENIED
            {
                continue;
            }
            if header.AceType != ACCESS_ALLOWED {
                entries.push(Entry::Other {
                    kind: header.AceType,
                });
                continue;
            }
            let entry = entry.cast::<ACCESS_ALLOWED_ACE>();
            // SAFETY: an entry of this type is an `ACCESS_ALLOWED_ACE`, and lives as long as
            // `self`.
            let rights = unsafe { (*entry).Mask };
            // SAFETY: as above; the SID starts at this field and continues behind it.
            let sid = unsafe { &raw mut (*entry).SidStart }.cast::<c_void>();
            // SAFETY: as above.
            let sid = unsafe { sid::text(sid) }?;
            entries.push(Entry::Allow { sid, rights });
        }
        Ok(entries)
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the system allocated it to be freed in this way; null is allowed.
        unsafe { LocalFree(self.whole) };
    }
}
