//! Which secret a source reads, and the rules for the paths that a configuration may build.

use std::sync::Mutex;

use serde_json::Map;

use super::claims::LoginClaims;
use crate::{
    config,
    principal::Principal,
    source::{self, SourceError},
    sync,
    template::Template,
};

/// The place of one field of one secret, as the configuration has it.
pub(super) struct SecretTemplate {
    /// The name of the source.
    source: String,
    mount: Template,
    path: Template,
    principal: Principal,
    /// The field that contains the key.
    pub(super) field: String,
    /// The place that the last credential is from, if it depends on the login.
    issued_from: Mutex<Option<SecretLocation>>,
}

/// The place of a secret, with all placeholders resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SecretLocation {
    /// The engine's mount point, without slashes at its ends.
    pub(super) mount: String,
    /// The path below the mount point.
    pub(super) path: String,
}

impl SecretTemplate {
    /// The secret of the source `name`.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve), if the place does not depend on the login.
    pub(super) fn new(
        name: &str,
        config: &config::VaultConfig,
        principal: &Principal,
    ) -> Result<Self, SourceError> {
        let template = Self {
            source: name.to_owned(),
            mount: config.mount.clone(),
            path: config.path.clone(),
            principal: principal.clone(),
            field: config.field.clone(),
            issued_from: Mutex::default(),
        };
        if !template.has_claims() {
            template.resolve(None)?;
        }
        Ok(template)
    }

    /// Whether the place depends on the login.
    pub(super) fn has_claims(&self) -> bool {
        let mut templates = [&self.mount, &self.path].into_iter();
        templates.any(|template| template.claim_names().next().is_some())
    }

    /// Replaces the placeholders; `claims` are those of the login that the secret is read with.
    ///
    /// # Errors
    ///
    /// - [`SourceError::UnusableClaim`] if a claim is missing or is not a path segment
    /// - [`SourceError::Configuration`] if another placeholder has no value or a segment is invalid
    pub(super) fn resolve(
        &self,
        claims: Option<&LoginClaims>,
    ) -> Result<SecretLocation, SourceError> {
        let none = Map::new();
        let values = claims.map_or(&none, |claims| &claims.values);
        let part = |key, template: &Template| {
            let part = template
                .resolve_with_claims(&self.principal, values)
                .map_err(|error| match (error.claim(), claims) {
                    (Some(name), Some(claims)) => claims.error(&self.source, key, name, &error),
                    _ => source::unresolved(&self.source, key, &error),
                })?;
            check_path(&self.source, key, &part).map(|()| part)
        };
        Ok(SecretLocation {
            mount: part("mount", &self.mount)?,
            path: part("path", &self.path)?,
        })
    }

    /// Records that a credential was read from `location`.
    pub(super) fn record(&self, location: &SecretLocation) {
        if self.has_claims() {
            *sync::lock(&self.issued_from) = Some(location.clone());
        }
    }

    /// Whether the last credential is from another place than the one for `claims`: it is another
    /// user's.
    pub(super) fn has_moved(&self, claims: Option<&LoginClaims>) -> bool {
        let issued_from = sync::lock(&self.issued_from);
        let location = self.resolve(claims).ok();
        issued_from.is_some() && *issued_from != location
    }
}

/// Checks every segment of `path`; `key` is its key in the table of the source `name`. A client
/// resolves `..` and drops an empty segment, so that the request would go to another path.
///
/// # Errors
///
/// [`SourceError::Configuration`] that names the key.
pub(super) fn check_path(name: &str, key: &str, path: &str) -> Result<(), SourceError> {
    path.split('/')
        .try_for_each(|segment| check_segment(name, key, segment))
}

/// Checks one segment: not empty, not `.` or `..`, without slashes and control characters.
///
/// # Errors
///
/// [`SourceError::Configuration`] that names the key.
pub(super) fn check_segment(name: &str, key: &str, segment: &str) -> Result<(), SourceError> {
    let invalid = matches!(segment, "" | "." | "..")
        || segment.contains(|c: char| c == '/' || c.is_control());
    if !invalid {
        return Ok(());
    }
    Err(SourceError::Configuration {
        reason: format!(
            "'source.{name}.{key}' contains an empty, '.', '..' or unprintable segment"
        ),
        hint: format!("correct '{key}' or the values of its placeholders"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_must_not_leave_its_mount_point() {
        for path in ["a/../b", "a//b", "/a", "a/", ".", "a\nb"] {
            assert!(check_path("v", "path", path).is_err(), "{path:?}");
        }
        assert!(check_path("v", "path", "a/b.c/d e").is_ok());
    }
}
