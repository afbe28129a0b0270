//! The macOS Keychain: generic passwords in the user's default keychain.
//!
//! The Keychain gives an item to the program that made it, and asks before it gives it to another
//! one. After an update it knows Claviger by its signature.

use async_trait::async_trait;
use security_framework::{
    base::Error,
    os::macos::keychain::SecKeychain,
    passwords::{PasswordOptions, delete_generic_password, generic_password, set_generic_password},
};
use zeroize::Zeroizing;

use super::OR_FILE;
use crate::{
    network::one_line,
    secret::Secret,
    store::{SecretStore, StoreError, StoreKey, blocking, check_len, secret},
};

/// The name in messages.
const NAME: &str = "the macOS Keychain";

/// The service that all items belong to.
const SERVICE: &str = "Claviger";

// Statuses of the Keychain (SecBase.h).
const NOT_AVAILABLE: i32 = -25291;
const AUTH_FAILED: i32 = -25293;
const ITEM_NOT_FOUND: i32 = -25300;
const NO_DEFAULT_KEYCHAIN: i32 = -25307;
const INTERACTION_NOT_ALLOWED: i32 = -25308;
const INTERACTION_REQUIRED: i32 = -25315;

/// The user's default keychain.
pub(super) struct Keychain;

#[async_trait]
impl SecretStore for Keychain {
    fn name(&self) -> &str {
        NAME
    }

    async fn get(&self, key: &StoreKey) -> Result<Option<Secret>, StoreError> {
        let account = account(key);
        run(move || {
            let options = PasswordOptions::new_generic_password(SERVICE, &account);
            let Some(bytes) = found(generic_password(options))?.map(Zeroizing::new) else {
                return Ok(None);
            };
            let damaged = || StoreError::Corrupt {
                place: format!("the item '{SERVICE}', account '{account}', in {NAME}"),
                reason: "it is not UTF-8".to_owned(),
                hint: "delete the item in Keychain Access, then run claviger login".to_owned(),
            };
            secret(&bytes).ok_or_else(damaged).map(Some)
        })
        .await
    }

    async fn put(&self, key: &StoreKey, secret: &Secret) -> Result<(), StoreError> {
        check_len(NAME, secret)?;
        let (account, secret) = (account(key), secret.clone());
        run(move || {
            let value = secret.expose().as_bytes();
            set_generic_password(SERVICE, &account, value).map_err(failure)
        })
        .await
    }

    async fn delete(&self, key: &StoreKey) -> Result<(), StoreError> {
        let account = account(key);
        run(move || found(delete_generic_password(SERVICE, &account)).map(drop)).await
    }
}

/// Runs `operation` without dialogs: no user may be there to see them.
async fn run<T: Send + 'static>(
    operation: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    blocking::run(NAME, move || {
        let _quiet = SecKeychain::disable_user_interaction().map_err(failure)?;
        operation()
    })
    .await
}

/// The account of an item: unique to its key, and readable in Keychain Access.
fn account(key: &StoreKey) -> String {
    format!("{} {}", key.source, key.id())
}

/// `None` if the item does not exist.
fn found<T>(result: Result<T, Error>) -> Result<Option<T>, StoreError> {
    match result {
        Err(error) if error.code() == ITEM_NOT_FOUND => Ok(None),
        result => result.map(Some).map_err(failure),
    }
}

fn failure(error: Error) -> StoreError {
    let (store, code) = (NAME.to_owned(), error.code());
    let reason = one_line(&format!("{error} ({code})"));
    match code {
        NOT_AVAILABLE | NO_DEFAULT_KEYCHAIN => StoreError::Unavailable {
            store,
            reason,
            hint: format!("create a login keychain in Keychain Access, {OR_FILE}"),
        },
        INTERACTION_NOT_ALLOWED | INTERACTION_REQUIRED => StoreError::Locked {
            store,
            reason,
            hint: "run security unlock-keychain, or log in to the desktop".to_owned(),
        },
        AUTH_FAILED => StoreError::Denied {
            store,
            reason,
            hint: "delete the items 'Claviger' in Keychain Access, then run claviger login"
                .to_owned(),
        },
        _ => StoreError::failed(NAME, reason),
    }
}
