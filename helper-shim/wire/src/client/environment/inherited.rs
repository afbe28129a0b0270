//! What a daemon inherits from the client that starts it: its language and its time zone.
//!
//! Everything else would be of the one client that happens to start the daemon, or of the
//! repository that this client works in.

use std::ffi::OsStr;

/// The longest value in bytes.
const MAX_LEN: usize = 64;

/// Whether a daemon inherits the variable `name` with this value.
///
/// A locale with a slash is a path from which the C library reads files, as is a time zone that
/// starts with `/` or `:` or contains `..`.
#[must_use]
pub fn is_inherited(name: &OsStr, value: &OsStr) -> bool {
    let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
        return false;
    };
    let consists_of = |others: &[u8]| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
        (1..=MAX_LEN).contains(&value.len()) && value.bytes().all(is_known)
    };
    match name {
        "TZ" => consists_of(b"_+/-") && !value.starts_with('/'),
        "LANG" | "LANGUAGE" => consists_of(b"_.@-"),
        _ => {
            let category = name.strip_prefix("LC_").unwrap_or_default();
            let is_category = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
            !category.is_empty() && category.bytes().all(is_category) && consists_of(b"_.@-")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_inherited(name: &str, value: &str) -> bool {
        super::is_inherited(OsStr::new(name), OsStr::new(value))
    }

    #[test]
    fn locale_and_time_zone_are_inherited() {
        for (name, value) in [
            ("LANG", "de_AT.UTF-8"),
            ("LANGUAGE", "C"),
            ("LC_ALL", "sr_RS@latin"),
            ("LC_TIME", "C.utf8"),
            ("TZ", "Europe/Vienna"),
            ("TZ", "Etc/GMT+3"),
            ("TZ", "UTC"),
        ] {
            assert!(is_inherited(name, value), "{name}={value}");
        }
    }

    #[test]
    fn paths_and_other_variables_are_not() {
        let long = "a".repeat(65);
        for (name, value) in [
            ("LANG", "/home/ana/repository/locale"),
            ("LC_ALL", "../x"),
            ("LC_ALL", ""),
            ("LC_", "C"),
            ("LC_x=y", "C"),
            ("TZ", ":/etc/shadow"),
            ("TZ", "/tmp/zone"),
            ("TZ", "a/../../tmp/zone"),
            ("LANG", &long),
            ("LOCPATH", "x"),
            ("NLSPATH", "x"),
            ("PATH", "x"),
            ("LD_PRELOAD", "x"),
            ("HTTPS_PROXY", "x"),
            ("ANTHROPIC_API_KEY", "x"),
        ] {
            assert!(!is_inherited(name, value), "{name}={value}");
        }
    }
}
