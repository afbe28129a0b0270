//! Reads the configuration that applies.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use super::{
    error::ConfigError,
    locate::Locations,
    model::Config,
    parse::{MAX_LEN, parse, parse_managed},
    trust::{Refusal, check_user_file},
};

/// Reads the configuration that applies: the managed one where there is one; else, or where that says
/// `allow_user_config = true`, the explicit one; else the user's own; else, again, the managed one.
///
/// # Errors
///
/// [`ConfigError`]. A managed configuration that is there and cannot be read or trusted is an error and never a reason
/// to read another one; so is an explicit one that is not there.
pub(crate) fn load(locations: &Locations) -> Result<Config, ConfigError> {
    let managed = match load_managed(locations)? {
        Some((config, false)) => return Ok(config),
        Some((config, true)) => Some(config),
        None => None,
    };
    if let Some(explicit) = &locations.explicit {
        return load_user(explicit);
    }
    if let Some(user) = &locations.user
        && is_there(user)?
    {
        return load_user(user);
    }
    managed.ok_or_else(|| ConfigError::Missing {
        looked: locations.candidates().cloned().collect(),
    })
}

fn load_managed(locations: &Locations) -> Result<Option<(Config, bool)>, ConfigError> {
    let file = &locations.managed;
    if !is_there(file)? {
        return Ok(None);
    }
    let checked = locations
        .trust
        .check(file)
        .map_err(|error| unreadable(file, &error))?;
    let real = checked.map_err(|refusal| untrusted(file, refusal))?;
    // Between the check and this only those who are trusted could have changed anything.
    let (text, _) = read(file, &real)?;
    parse_managed(file, &text).map(Some)
}

fn load_user(file: &Path) -> Result<Config, ConfigError> {
    let (text, metadata) = read(file, file)?;
    check_user_file(file, &metadata).map_err(|refusal| untrusted(file, refusal))?;
    parse(file, &text)
}

/// Whether there is something, were it a link to nowhere. That it cannot be told is not the same as that it is not.
fn is_there(file: &Path) -> Result<bool, ConfigError> {
    match fs::symlink_metadata(file) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unreadable(file, &error)),
    }
}

/// Reads `path`; `file` is its name in messages.
fn read(file: &Path, path: &Path) -> Result<(String, fs::Metadata), ConfigError> {
    let fail = |error: io::Error| unreadable(file, &error);
    // Looked at before it is opened: to open a pipe is to wait for a writer.
    if !fs::metadata(path).map_err(fail)?.is_file() {
        return Err(fail(io::Error::other("it is not a file")));
    }
    let mut opened = File::open(path).map_err(fail)?;
    let metadata = opened.metadata().map_err(fail)?;
    let mut bytes = Vec::new();
    let limit = MAX_LEN as u64 + 1;
    opened
        .by_ref()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes.len() > MAX_LEN {
        return Err(fail(io::Error::other(format!(
            "it has more than {MAX_LEN} bytes"
        ))));
    }
    let text = String::from_utf8(bytes).map_err(|_| fail(io::Error::other("it is not UTF-8")))?;
    Ok((text, metadata))
}

fn unreadable(file: &Path, error: &io::Error) -> ConfigError {
    ConfigError::Unreadable {
        file: file.to_owned(),
        reason: error.to_string(),
    }
}

fn untrusted(file: &Path, refusal: Refusal) -> ConfigError {
    ConfigError::Untrusted {
        file: file.to_owned(),
        reason: refusal.reason,
        hint: refusal.hint,
    }
}

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/load.rs"]
mod tests;
