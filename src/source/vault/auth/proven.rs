//! The memory of a secret that has worked.

use std::sync::Mutex;

use aws_lc_rs::digest;

use crate::sync;

type Hash = [u8; digest::SHA256_OUTPUT_LEN];

/// Which secret has logged in last, since the daemon started. A secret that has worked is not wrong
/// because Vault refuses it once: a role, a mount point or the server that Vault itself asks may be
/// missing for now.
///
/// It is kept as a hash, which never leaves this process.
#[derive(Default)]
pub(super) struct ProvenSecret(Mutex<Option<Hash>>);

impl ProvenSecret {
    /// Records that `secret` has logged in. A login without a secret of its own is recorded as an
    /// empty one.
    pub(super) fn record(&self, secret: &str) {
        *sync::lock(&self.0) = Some(hash(secret));
    }

    /// Whether `secret` is the one that has logged in last.
    pub(super) fn is(&self, secret: &str) -> bool {
        *sync::lock(&self.0) == Some(hash(secret))
    }
}

fn hash(secret: &str) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_secret_that_worked_is_proven() {
        let proven = ProvenSecret::default();
        assert!(!proven.is("a") && !proven.is(""));
        proven.record("a");
        assert!(proven.is("a") && !proven.is("b") && !proven.is(""));
        proven.record("b");
        assert!(proven.is("b") && !proven.is("a"));
    }
}
