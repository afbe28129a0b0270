//! Whether a configuration has changed since it was read, without reading it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::locate::Locations;

/// What every file that a configuration could come from looked like, those that were not there included: another stamp
/// means that [`super::load`] may give another result.
///
/// It costs one `stat` for each file. Links are followed, so that a link that is pointed elsewhere is a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<(PathBuf, Option<Look>)>);

/// A file's identity and state, as numbers that are compared and never interpreted.
type Look = [i128; 5];

impl Stamp {
    /// The stamp of now.
    #[must_use]
    pub(crate) fn of(locations: &Locations) -> Self {
        let look = |path: &PathBuf| (path.clone(), look(path));
        Self(locations.candidates().map(look).collect())
    }
}

/// Device, inode, length, times of modification and of change: the last one tells of a mode or owner put right, too.
#[cfg(unix)]
fn look(path: &Path) -> Option<Look> {
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
fn look(path: &Path) -> Option<Look> {
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
    fn every_change_is_another_stamp() {
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
                // As editors do it: another file of the same length under the same name.
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
