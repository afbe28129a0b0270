//! The keys that the gateway accepts.

use std::sync::{Mutex, MutexGuard};

use crate::{secret::Secret, sync};

/// A list of keys that can be changed while the gateway runs.
#[derive(Debug, Default)]
pub(super) struct KeyList(Mutex<Vec<Secret>>);

impl KeyList {
    /// Replaces the list.
    pub(super) fn set(&self, keys: impl IntoIterator<Item = Secret>) {
        *self.lock() = keys.into_iter().collect();
    }

    /// Adds a key.
    pub(super) fn accept(&self, key: Secret) {
        self.lock().push(key);
    }

    /// Removes a key.
    pub(super) fn revoke(&self, key: &Secret) {
        self.lock().retain(|known| known != key);
    }

    /// Whether the list contains this key.
    pub(super) fn accepts(&self, key: &Secret) -> bool {
        self.lock().iter().any(|known| known == key)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Secret>> {
        sync::lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_changed() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let keys = KeyList::default();
        keys.accept(secret("a"));
        keys.accept(secret("b"));
        keys.revoke(&secret("a"));
        assert!(!keys.accepts(&secret("a")));
        assert!(keys.accepts(&secret("b")));
    }
}
