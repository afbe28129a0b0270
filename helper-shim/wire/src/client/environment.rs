//! The process's environment.

use std::{env, ffi::OsString, path};

use crate::paths::PATH_VARIABLES;

/// Returns a variable of this process's environment. An empty one counts as unset, and a relative
/// path in one of [`PATH_VARIABLES`] becomes absolute.
#[must_use]
pub fn variable(name: &str) -> Option<OsString> {
    let value = env::var_os(name).filter(|value| !value.is_empty())?;
    if PATH_VARIABLES.contains(&name)
        && let Ok(absolute) = path::absolute(&value)
    {
        return Some(absolute.into_os_string());
    }
    Some(value)
}
