//! From a document without the helper to one with it, and back.

use super::{
    client::{Setting, names_helper},
    receipt::WrittenValue,
};
use crate::settings_file::{Document, EditError};

/// Settings that were not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// The key has a value that Claviger has not written.
    #[error("'{key}' is set already, and not by claviger")]
    Foreign {
        /// The key, with dots.
        key: String,
    },
    /// The document does not have the expected form.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// What [`undo`] has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Undone {
    /// The keys that were removed or have their value from before again, with dots.
    pub(crate) restored: Vec<String>,
    /// The keys that have been changed since they were written, and stay as they are.
    pub(crate) kept: Vec<String>,
}

/// Whether the document has all of these values.
pub(crate) fn is_applied(document: &Document, settings: &[Setting]) -> bool {
    settings
        .iter()
        .all(|setting| document.get(&setting.path).as_ref() == Some(&setting.value))
}

/// Sets the values; returns what is necessary to undo that. A value that was there before and is
/// not Claviger's own is replaced only if `may_replace`.
///
/// # Errors
///
/// [`ApplyError`]; the document may be changed in part then.
pub(crate) fn apply(
    document: &mut Document,
    settings: &[Setting],
    may_replace: bool,
) -> Result<Vec<WrittenValue>, ApplyError> {
    let mut written = Vec::with_capacity(settings.len());
    for Setting { path, value } in settings {
        let before = document.get(path);
        // A helper of another version, or one that was entered by hand, is nothing to restore.
        let before = before.filter(|before| !names_helper(before));
        if before.as_ref().is_some_and(|before| before != value) && !may_replace {
            return Err(ApplyError::Foreign {
                key: path.join("."),
            });
        }
        let kept_tables = document.existing_tables(path);
        document.set(path, value)?;
        written.push(WrittenValue {
            path: path.clone(),
            before,
            written: value.clone(),
            kept_tables,
        });
    }
    Ok(written)
}

/// Takes the values out again, the last one first. A value that has been changed since stays.
///
/// # Errors
///
/// [`EditError`]; the document may be changed in part then.
pub(crate) fn undo(document: &mut Document, written: &[WrittenValue]) -> Result<Undone, EditError> {
    let mut undone = Undone::default();
    for value in written.iter().rev() {
        let key = value.path.join(".");
        match (document.get(&value.path), &value.before) {
            (None, _) => {}
            (Some(found), _) if found != value.written => undone.kept.push(key),
            (Some(_), Some(before)) => {
                document.set(&value.path, before)?;
                undone.restored.push(key);
            }
            (Some(_), None) => {
                document.remove(&value.path, value.kept_tables)?;
                undone.restored.push(key);
            }
        }
    }
    undone.restored.reverse();
    undone.kept.reverse();
    Ok(undone)
}
