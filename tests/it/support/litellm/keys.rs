//! The keys that a gateway accepts, and how it checks them.

use std::{fs, sync::Mutex};

use tempfile::TempDir;

use super::process::MASTER_KEY;
use crate::support::lock::lock;

/// How LiteLLM checks keys, and so how it answers a wrong one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyCheck {
    /// A custom check, which raises LiteLLM's own exception: 401.
    Custom,
    /// As [`KeyCheck::Custom`]; the right key may call the routes of Anthropic's API only, and gets
    /// 403 for `/v1/models`.
    MessagesOnly,
    /// As [`KeyCheck::Custom`], with 403 instead of 401.
    Forbidden,
    /// A custom check, which raises another exception: 500, which is not JSON.
    Exception,
    /// A custom check of JWTs; the only key of the list is the public key in PEM.
    Jwt,
    /// As [`KeyCheck::Jwt`]; the only key of the list is the issuer's key set (RFC 7517).
    Jwks,
    /// LiteLLM without a database and without a custom check: 400. It has one key, which the front
    /// puts into requests that have an accepted key.
    NoDatabase,
}

/// The keys of one gateway, in a directory that `custom_auth.py` reads.
pub(super) struct Keys {
    directory: TempDir,
    check: KeyCheck,
    accepted: Mutex<Vec<String>>,
}

impl Keys {
    pub(super) fn new(check: KeyCheck) -> Self {
        let name = match check {
            // The process has no custom check that reads it.
            KeyCheck::Custom | KeyCheck::NoDatabase => "custom",
            KeyCheck::MessagesOnly => "messages-only",
            KeyCheck::Forbidden => "forbidden",
            KeyCheck::Exception => "exception",
            KeyCheck::Jwt => "jwt",
            KeyCheck::Jwks => "jwks",
        };
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("check"), name).unwrap();
        Self {
            directory,
            check,
            accepted: Mutex::default(),
        }
    }

    pub(super) fn directory(&self) -> &str {
        self.directory.path().to_str().unwrap()
    }

    /// Changes the list; the next request is checked against the new one.
    pub(super) fn edit(&self, edit: impl FnOnce(&mut Vec<String>)) {
        let mut accepted = lock(&self.accepted);
        edit(&mut accepted);
        // By a rename: a request must not see half of the list.
        let new = self.directory.path().join("new");
        fs::write(&new, accepted.join("\n")).unwrap();
        fs::rename(new, self.directory.path().join("keys")).unwrap();
    }

    /// The key that LiteLLM gets instead of this one.
    pub(super) fn substitute(&self, key: &str) -> Option<&'static str> {
        let is_accepted = || lock(&self.accepted).iter().any(|accepted| accepted == key);
        (self.check == KeyCheck::NoDatabase && is_accepted()).then_some(MASTER_KEY)
    }
}
