//! A refused login, for the fuzz target of Vault's responses.

use super::method::RefusedLogin;
use crate::{
    hostile_input::canary,
    source::{SourceError, vault::error::RequestError},
};

/// The error of a login with a secret that has never worked.
pub(in crate::source::vault) fn refused_login(host: &str, error: RequestError) -> SourceError {
    let refused = RefusedLogin {
        secret: Some(&canary()),
        is_proven: false,
        hint: "replace the secret-id".to_owned(),
        if_not_mounted: "; check 'auth.mount'",
    };
    refused.error(host, error)
}
