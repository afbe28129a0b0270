//! Reading a file of a client's.

use std::path::Path;

use crate::{secret::Secret, trust::RegularFile};

/// The largest file that is read. The state of Claude Code grows with the projects of its user.
const MAX_LEN: u64 = 1 << 24;

/// The text of a file, which may contain secrets; `None` if it cannot be read.
pub(super) fn read(file: &Path) -> Option<Secret> {
    let bytes = RegularFile::open(file).ok()?.read(MAX_LEN).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    Some(Secret::new(text.to_owned()))
}
