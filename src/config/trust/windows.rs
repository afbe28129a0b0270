//! Owners and access control lists.

#![expect(unsafe_code, reason = "security descriptors have no safe wrapper")]

use std::{
    ffi::c_void,
    fs::Metadata,
    io,
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

use super::Refusal;
use crate::process::sid;

/// The system, the administrators, and the service that installs Windows.
const TRUSTED: [&str; 3] = [
    "S-1-5-18",
    "S-1-5-32-544",
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
];

/// Kinds of list entries (winnt.h).
const ACCESS_ALLOWED: u8 = 0;
const ACCESS_DENIED: u8 = 1;

// Rights (winnt.h). On a directory the first is to make files in it and the second to make directories.
const FILE_WRITE_DATA: u32 = 0x2;
const FILE_APPEND_DATA: u32 = 0x4;
const FILE_DELETE_CHILD: u32 = 0x40;
const DELETE: u32 = 0x1_0000;
const WRITE_DAC: u32 = 0x4_0000;
const WRITE_OWNER: u32 = 0x8_0000;
const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;

/// With any of these, what is there can be put aside or taken over.
const REPLACE: u32 =
    FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_ALL | GENERIC_WRITE;

/// With any of these, a file's content changes, or a directory's.
const WRITE: u32 = REPLACE | FILE_WRITE_DATA | FILE_APPEND_DATA;

/// Whom a managed configuration may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trust {
    /// A SID beside the system's and the administrators', in its string form; `None` but in tests.
    pub(crate) sid: Option<String>,
    /// The directories above this one are taken as they are: none but in tests.
    pub(crate) below: PathBuf,
}

impl Trust {
    /// The system and the administrators, in every directory.
    #[must_use]
    pub(crate) fn of_this_machine() -> Self {
        Self {
            sid: None,
            below: PathBuf::new(),
        }
    }

    /// The real path of `file`, after a check that nobody else can write it, nor what is in its directory, nor replace
    /// that directory or one above it.
    ///
    /// Further up, to make new entries is no harm: `C:\ProgramData` lets every user do so, and none touch the others'.
    /// Both the path as it is given and the one that its links lead to are checked.
    ///
    /// # Errors
    ///
    /// The system's, in the outer result; what cannot be trusted, in the inner one.
    pub(in super::super) fn check(&self, file: &Path) -> io::Result<Result<PathBuf, Refusal>> {
        let real = std::fs::canonicalize(file)?;
        for path in [file, real.as_path()] {
            for (above, at) in path.ancestors().enumerate() {
                if at.as_os_str().is_empty() || (at != self.below && self.below.starts_with(at)) {
                    continue;
                }
                // The file itself and the directory that it is in, then those above.
                let rights = if above < 2 { WRITE } else { REPLACE };
                if let Err(refusal) = self.check_one(at, rights)? {
                    return Ok(Err(refusal));
                }
            }
        }
        Ok(Ok(real))
    }

    fn check_one(&self, path: &Path, rights: u32) -> io::Result<Result<(), Refusal>> {
        let refuse = |reason: String| {
            Ok(Err(Refusal {
                reason,
                hint: format!(
                    "as an administrator: let only Administrators and SYSTEM own and write '{}'",
                    path.display()
                ),
            }))
        };
        let descriptor = Descriptor::of(path)?;
        // SAFETY: the owner points into `descriptor`, which lives.
        let owner = unsafe { sid::text(descriptor.owner) }?;
        if !self.is_trusted(&owner) {
            return refuse(format!(
                "'{}' belongs to {owner}, not to the administrators",
                path.display()
            ));
        }
        if descriptor.list.is_null() {
            return refuse(format!("everyone can write '{}'", path.display()));
        }
        for entry in descriptor.entries() {
            let (header, entry) = entry?;
            if u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0 || header.AceType == ACCESS_DENIED
            {
                continue;
            }
            // Conditional and object entries are not looked into: an administrator who uses one here may say so simply.
            if header.AceType != ACCESS_ALLOWED {
                return refuse(format!(
                    "'{}' has an access entry of kind {}",
                    path.display(),
                    header.AceType
                ));
            }
            // SAFETY: an entry of this kind is an `ACCESS_ALLOWED_ACE`, and lives as long as `descriptor`.
            let mask = unsafe { (*entry).Mask };
            // SAFETY: as above; the SID starts at this field and goes on behind it.
            let sid = unsafe { &raw mut (*entry).SidStart }.cast::<c_void>();
            // SAFETY: as above.
            let sid = unsafe { sid::text(sid) }?;
            if mask & rights != 0 && !self.is_trusted(&sid) {
                return refuse(format!("{sid} can write '{}'", path.display()));
            }
        }
        Ok(Ok(()))
    }

    fn is_trusted(&self, sid: &str) -> bool {
        TRUSTED.contains(&sid) || self.sid.as_deref() == Some(sid)
    }
}

/// A user's own file: Windows keeps others out of a profile's directories by itself, and a mode that somebody could have
/// forgotten there is none.
#[expect(clippy::unnecessary_wraps, reason = "as on the other systems")]
pub(in super::super) fn check_user_file(_: &Path, _: &Metadata) -> Result<(), Refusal> {
    Ok(())
}

/// A file's owner and access control list.
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
        // SAFETY: the name ends with a zero; the pointers are to live places of their types.
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

    /// The list's entries; the list is there.
    fn entries(
        &self,
    ) -> impl Iterator<Item = io::Result<(ACE_HEADER, *mut ACCESS_ALLOWED_ACE)>> + '_ {
        // SAFETY: the caller has seen that the list is there; it lives as long as `self`.
        let count = unsafe { (*self.list).AceCount };
        (0..u32::from(count)).map(|at| {
            let mut entry = ptr::null_mut();
            // SAFETY: as above; `entry` is a live place for a pointer.
            if unsafe { GetAce(self.list, at, &raw mut entry) } == 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: every entry starts with a header.
            let header = unsafe { *entry.cast::<ACE_HEADER>() };
            Ok((header, entry.cast()))
        })
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the system made it for us to free in this way; null is allowed.
        unsafe { LocalFree(self.whole) };
    }
}
