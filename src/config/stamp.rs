//! Whether a configuration has changed since it was read, without reading it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::locate::Locations;

/// The identity and state of every file that a configuration could come from, missing ones
/// included: if it changes, [`super::load()`] may return another result.
///
/// It costs one `stat` a file. Links are followed, so a link that is changed is a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<(PathBuf, Option<FileState>)>);

/// A file's identity and state, as numbers that are compared and never interpreted.
type FileState = [i128; 5];

impl Stamp {
    /// The stamp of the files as they are now.
    #[must_use]
    pub(crate) fn of(locations: &Locations) -> Self {
        let observe = |path: &PathBuf| (path.clone(), observe(path));
        Self(locations.candidates().map(observe).collect())
    }
}

/// Device, inode, length, times of modification and of change, which covers mode and owner.
#[cfg(unix)]
fn observe(path: &Path) -> Option<FileState> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = fs::metadata(path).ok()?;
    let time = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    Some([
        metadata.dev().into(),
        metadata.ino().into(),
        metadata.len().into(),
        time(metadata.mtime(), metadata.mtime_nsec()),
        time(metadata.ctime(), metadata.ctime_nsec()),
    ])
}

/// Attributes, length and times.
#[cfg(windows)]
fn observe(path: &Path) -> Option<FileState> {
    use std::os::windows::fs::MetadataExt as _;

    let metadata = fs::metadata(path).ok()?;
    Some([
        metadata.file_attributes().into(),
        metadata.file_size().into(),
        metadata.creation_time().into(),
        metadata.last_write_time().into(),
        0,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_changes_the_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let locations = Locations {
            managed: path("managed"),
            user: Some(path("user")),
            explicit: None,
            managed_owner: crate::trust::ManagedOwner::of_this_machine(),
        };
        let changes: [&dyn Fn(); 5] = [
            &|| fs::write(path("user"), "a").unwrap(),
            &|| fs::write(path("user"), "bc").unwrap(),
            &|| {
                // As editors do it: a different file of the same length under the same name.
                fs::write(path("new"), "de").unwrap();
                fs::rename(path("new"), path("user")).unwrap();
            },
            &|| fs::write(path("managed"), "a").unwrap(),
            &|| fs::remove_file(path("user")).unwrap(),
        ];
        let mut before = Stamp::of(&locations);
        for change in changes {
            assert_eq!(before, Stamp::of(&locations));
            change();
            let after = Stamp::of(&locations);
            assert_ne!(before, after);
            before = after;
        }
    }
}
