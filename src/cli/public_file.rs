//! Writing a file that all users may read.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

/// Replaces `file`: a reader has the old text or the new one, never a part of one. All users may
/// read it, as a collector or a web server must, whose user is another one.
pub(super) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let directory = match file.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    };
    // Those who read a directory look for names with another end, such as .prom.
    let mut written = tempfile::Builder::new()
        .prefix(".claviger-")
        .suffix(".tmp")
        .tempfile_in(directory)?;
    written.write_all(text.as_bytes())?;
    make_readable(written.as_file())?;
    written.persist(file)?;
    Ok(())
}

#[cfg(unix)]
fn make_readable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    file.set_permissions(fs::Permissions::from_mode(0o644))
}

/// The directory's access list decides.
#[cfg(windows)]
fn make_readable(_: &fs::File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_replaced_as_a_whole() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("claviger.prom");
        for text in ["one\n", "two, which is longer\n", ""] {
            replace(&file, text).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
        let missing = temp.path().join("missing/claviger.prom");
        let error = replace(&missing, "").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
