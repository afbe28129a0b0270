//! Which programs may ask for a key: those that only root can change.

use std::{io, path::Path};

use rustix::fs::{self, AtFlags, Stat};

use super::{
    ManagedOwner, observed, user,
    walk::{End, Walk, Way},
};
use crate::trust::{TrustError, rule::Rule};

impl ManagedOwner {
    /// Checks that `path` is a program that no other user can write, nor replace it or a link or
    /// directory on the way to it.
    ///
    /// # Errors
    ///
    /// The first [`Violation`](crate::trust::Violation) on the way, or the system's error.
    #[cfg_attr(
        target_os = "linux",
        expect(dead_code, reason = "Linux reveals the executed file itself")
    )]
    pub(crate) fn program(&self, path: &Path) -> Result<(), TrustError> {
        self.find_program(path).map(drop)
    }

    /// [`Self::program`], with what was observed of the file.
    pub(super) fn find_program(&self, path: &Path) -> Result<Stat, TrustError> {
        let end = self.walk().to(path)?;
        let rule = Rule::managed_program(self.uid);
        rule.judge(end.path(), end.facts(), user())?;
        let End::Other { parent, name, .. } = &end else {
            // The rule has refused it already.
            return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
        };
        let found = fs::statat(&parent.fd, name, AtFlags::SYMLINK_NOFOLLOW)?;
        rule.judge(end.path(), &observed(&found), user())?;
        Ok(found)
    }

    /// The walk by the rules of the managed configuration.
    pub(super) fn walk(&self) -> Walk<'_> {
        Walk::new(Way::Managed {
            uid: self.uid,
            below: &self.below,
        })
    }
}
