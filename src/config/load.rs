//! Reads the configuration that applies.

use std::{fs, io, path::Path};

use super::{
    error::ConfigError,
    locate::Locations,
    parse::{MAX_LEN, parse},
    table::Config,
};
use crate::trust::{RegularFile, Rule, TrustError, Violation};

/// Reads the configuration that applies: the managed one if there is one; otherwise, or if that one
/// says `allow_user_config = true`, the explicit one, the user's own or, again, the managed one.
///
/// # Errors
///
/// [`ConfigError`]. A managed configuration that exists but cannot be read or trusted is an error
/// and never a reason to read another one; so is an explicit one that does not exist.
pub(crate) fn load(locations: &Locations) -> Result<Config, ConfigError> {
    load_beside(load_managed(locations)?, locations)
}

/// Reads the configuration that applies, without the managed one, which is `managed` if there is
/// one.
///
/// # Errors
///
/// As for [`load`].
pub(crate) fn load_beside(
    managed: Option<Config>,
    locations: &Locations,
) -> Result<Config, ConfigError> {
    let managed = match managed {
        Some(config) if !config.allow_user_config => return Ok(config),
        managed => managed,
    };
    if let Some(explicit) = &locations.explicit {
        return Ok(under(managed, load_user(explicit)?));
    }
    if let Some(user) = &locations.user
        && exists(user)?
    {
        return Ok(under(managed, load_user(user)?));
    }
    managed.ok_or_else(|| ConfigError::Missing {
        looked: locations.candidates().cloned().collect(),
    })
}

/// The user's own configuration below a managed one that allows it: the central policy is that of
/// the managed one, which no user can leave.
fn under(managed: Option<Config>, own: Config) -> Config {
    match managed.map(|managed| managed.policy) {
        Some(policy) if !policy.is_empty() => Config { policy, ..own },
        _ => own,
    }
}

/// Reads `file` by the rules that it is read by when it applies: those of the managed configuration
/// if it is that one, else those of a user's.
///
/// # Errors
///
/// [`ConfigError`].
pub(crate) fn load_file(locations: &Locations, file: &Path) -> Result<Config, ConfigError> {
    let is_managed = std::path::absolute(file).is_ok_and(|file| file == locations.managed);
    match is_managed.then(|| load_managed(locations)).transpose()? {
        Some(Some(config)) => Ok(config),
        Some(None) | None => load_user(file),
    }
}

/// Reads the managed configuration; `None` if its file does not exist.
///
/// # Errors
///
/// [`ConfigError::Managed`].
pub(crate) fn load_managed(locations: &Locations) -> Result<Option<Config>, ConfigError> {
    read_managed(locations).map_err(|error| ConfigError::Managed(Box::new(error)))
}

fn read_managed(locations: &Locations) -> Result<Option<Config>, ConfigError> {
    let file = &locations.managed;
    if !exists(file)? {
        return Ok(None);
    }
    let text = read_text(file, locations.managed_owner.open(file))?;
    let mut config = parse(file, &text)?;
    config.is_managed = true;
    Ok(Some(config))
}

fn load_user(file: &Path) -> Result<Config, ConfigError> {
    let opened = RegularFile::open_judged(file, &Rule::user_file());
    let text = read_text(file, opened)?;
    parse(file, &text)
}

/// Whether the name exists, even as a link to nothing.
fn exists(file: &Path) -> Result<bool, ConfigError> {
    match fs::symlink_metadata(file) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unreadable(file, &error.to_string())),
    }
}

fn read_text(file: &Path, opened: Result<RegularFile, TrustError>) -> Result<String, ConfigError> {
    let opened = opened.map_err(|error| match error {
        TrustError::Io(error) => unreadable(file, &error.to_string()),
        TrustError::Violation(violation) => untrusted(file, violation),
    })?;
    let bytes = opened
        .read(MAX_LEN)
        .map_err(|error| unreadable(file, &error.to_string()))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable(file, "not UTF-8"))?;
    Ok(text.to_owned())
}

fn unreadable(file: &Path, reason: &str) -> ConfigError {
    ConfigError::Unreadable {
        file: file.to_owned(),
        reason: reason.to_owned(),
    }
}

fn untrusted(file: &Path, violation: Violation) -> ConfigError {
    ConfigError::Untrusted {
        file: file.to_owned(),
        reason: violation.to_string(),
        hint: violation.hint,
    }
}

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/load.rs"]
mod tests;
