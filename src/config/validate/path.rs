//! Paths within Vault: mount points and what follows them.

use crate::template::Template;

/// What would change where a URL's path ends or what it means; in a placeholder's value it is refused as well.
const NOT_IN_A_PATH: &str = "?#%\\";

/// Splits `path` into the mount point, its first segment, and what follows.
///
/// # Errors
///
/// The end of a sentence that starts with the key.
pub(super) fn split(path: &str) -> Result<(Template, Template), String> {
    match path.split_once('/') {
        Some((mount, rest)) if !mount.is_empty() => Ok((template(mount)?, template(rest)?)),
        Some(_) => {
            Err("starts with '/'; it takes the mount point, '/' and the secret's path".to_owned())
        }
        None => Err(
            "is a mount point alone; it takes the mount point, '/' and the secret's path"
                .to_owned(),
        ),
    }
}

/// A path with placeholders in it.
///
/// # Errors
///
/// As [`split`].
pub(super) fn template(path: &str) -> Result<Template, String> {
    plain(path)?;
    Template::parse(path).map_err(|error| error.to_string())
}

/// Checks a path: segments that are neither empty nor dots, with a `/` between any two.
///
/// # Errors
///
/// As [`split`].
pub(super) fn plain(path: &str) -> Result<(), String> {
    for segment in path.split('/') {
        match segment {
            "" => return Err("starts or ends with '/' or has '//' in it".to_owned()),
            "." | ".." => return Err(format!("has the segment '{segment}' in it")),
            _ => {}
        }
    }
    let unfit = |c: &char| c.is_whitespace() || c.is_control() || NOT_IN_A_PATH.contains(*c);
    match path.chars().enumerate().find(|(_, c)| unfit(c)) {
        Some((at, c)) => Err(format!(
            "has {c:?} at character {}, which does not belong in a path",
            at + 1
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_is_the_mount_point() {
        let (mount, rest) = split("secret/a/{user}").unwrap();
        assert_eq!((mount.as_str(), rest.as_str()), ("secret", "a/{user}"));
    }

    #[test]
    fn mistakes() {
        for (path, expected) in [
            (
                "secret",
                "is a mount point alone; it takes the mount point, '/' and the secret's path",
            ),
            (
                "/secret/a",
                "starts with '/'; it takes the mount point, '/' and the secret's path",
            ),
            ("secret/", "starts or ends with '/' or has '//' in it"),
            ("secret//a", "starts or ends with '/' or has '//' in it"),
            ("secret/a/", "starts or ends with '/' or has '//' in it"),
            ("secret/../sys", "has the segment '..' in it"),
            (
                "secret/a?b",
                "has '?' at character 2, which does not belong in a path",
            ),
            (
                "secret/a%2fb",
                "has '%' at character 2, which does not belong in a path",
            ),
            (
                "secret/a b",
                "has ' ' at character 2, which does not belong in a path",
            ),
            (
                "secret/{usr}",
                "has an unknown placeholder '{usr}'; it takes '{user}', '{host}' and '{env:NAME}'",
            ),
        ] {
            assert_eq!(split(path).unwrap_err(), expected, "{path}");
        }
    }
}
