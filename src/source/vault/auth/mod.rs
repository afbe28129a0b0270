//! The login methods, one file each. See <https://developer.hashicorp.com/vault/api-docs/auth>.
//!
//! A new method is a new file with an implementation of [`LoginMethod`], and one line in [`new`].

mod approle;
mod cert;
#[cfg(feature = "test-util")]
mod fuzzing;
mod jwt;
mod method;
mod oidc;
mod proven;
mod token;
mod userpass;
mod wrapped;

use std::sync::Arc;

#[cfg(feature = "test-util")]
pub(super) use self::fuzzing::refused_login;
use self::{
    approle::AppRoleLogin, cert::CertLogin, jwt::JwtLogin, token::TokenLogin,
    userpass::UserPassLogin,
};
pub(super) use self::{
    method::LoginMethod,
    oidc::{OidcLogin, SignInPage},
};
use super::location;
use crate::{
    config::{AuthConfig, AuthMethod},
    principal::Principal,
    source::{Source, SourceError, secret_input::SecretInput, stored_secret::StoredSecret},
};

/// The login method of the source `name`. `jwt_source` is the source that `auth.jwt_source` names,
/// `stored` the place of an unwrapped secret-id. No secret is read yet.
///
/// # Errors
///
/// [`SourceError::Configuration`] if a placeholder has no value, a path segment is invalid or
/// `jwt_source` is missing.
pub(super) fn new(
    name: &str,
    config: &AuthConfig,
    principal: &Principal,
    jwt_source: Option<Arc<dyn Source>>,
    stored: Option<StoredSecret>,
) -> Result<Box<dyn LoginMethod>, SourceError> {
    location::check_path(name, "auth.mount", &config.mount)?;
    let mount = config.mount.clone();
    let secret = |key, from| SecretInput::new(name, key, from, principal);
    Ok(match &config.method {
        AuthMethod::Token(token) => Box::new(TokenLogin::new(secret("auth.token", token)?)),
        AuthMethod::AppRole {
            role_id, secret_id, ..
        } => {
            let secret_id = secret_id.as_ref();
            let secret_id = secret_id.map(|from| secret("auth.secret_id", from));
            let secret_id = secret_id.transpose()?;
            Box::new(AppRoleLogin::new(mount, role_id.clone(), secret_id, stored))
        }
        AuthMethod::UserPass { username, password } => Box::new(UserPassLogin::new(
            name, mount, username, password, principal,
        )?),
        AuthMethod::Jwt { role, jwt } => Box::new(JwtLogin::new(
            name,
            mount,
            role.clone(),
            jwt,
            principal,
            jwt_source,
        )?),
        AuthMethod::Oidc { role, .. } => Box::new(OidcLogin::new(mount, role.clone())),
        AuthMethod::Cert { role, .. } => Box::new(CertLogin::new(mount, role.clone())),
    })
}
