//! Reads the files of a log in the order of the chain.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use super::{
    chain::Head,
    lines::Lines,
    settings::Names,
    tail,
    verify::{Expected, Place, Verdict, Verifier},
};

/// The files of the log in `directory`, the oldest first.
///
/// # Errors
///
/// The system's error.
pub(crate) fn files(directory: &Path, names: &Names) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(age) = entry.file_name().to_str().and_then(|name| names.age(name)) {
            files.push((age, entry.path()));
        }
    }
    files.sort_by(|one, other| other.cmp(one));
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// The head that the log in `directory` notes; `None` if it notes none.
#[must_use]
pub(crate) fn noted_head(directory: &Path, names: &Names) -> Option<Head> {
    let path = directory.join(names.head());
    let mut lines = lines(&path).ok()?;
    match lines.next().ok()?? {
        super::verify::LineOf::Whole(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        _ => None,
    }
}

/// The largest counter of a central policy in the last records of the log in `directory`; `None` if
/// it has none, or cannot be read.
#[must_use]
pub(crate) fn last_policy(directory: &Path, names: &Names) -> Option<u64> {
    // The last record may be in the file before the current one.
    let files = [names.log(), names.older(1)].into_iter();
    let policies = files.filter_map(|name| {
        let path = directory.join(name);
        let is_file = fs::metadata(&path).is_ok_and(|it| it.is_file());
        let mut file = is_file.then(|| File::open(&path).ok())??;
        tail::last_policy(&mut file).ok()?
    });
    policies.max()
}

/// The lines of `file`.
///
/// # Errors
///
/// The system's error, or the file is not a regular one: another kind could keep the command
/// waiting.
pub(crate) fn lines(file: &Path) -> io::Result<Lines<BufReader<File>>> {
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::other("expected a regular file"));
    }
    Ok(Lines::new(BufReader::new(File::open(file)?)))
}

/// Verifies `files`, which are in the order of the chain.
///
/// # Errors
///
/// The file that cannot be read, and the system's error.
pub(crate) fn verify(
    files: &[PathBuf],
    expected: Expected<'_>,
) -> Result<Verdict, (PathBuf, io::Error)> {
    let mut verifier = Verifier::new(expected);
    for (number, path) in files.iter().enumerate() {
        let failed = |error| (path.clone(), error);
        let lines = lines(path).map_err(failed)?;
        push(&mut verifier, number, lines).map_err(failed)?;
    }
    Ok(verifier.finish())
}

/// Pushes the lines of the file with this number.
pub(super) fn push(
    verifier: &mut Verifier<'_>,
    file: usize,
    mut lines: Lines<impl BufRead>,
) -> io::Result<()> {
    let mut place = Place { file, line: 0 };
    while let Some(line) = lines.next()? {
        place.line += 1;
        verifier.push(place, line);
    }
    Ok(())
}
