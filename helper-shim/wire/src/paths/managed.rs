//! Whether a managed configuration lets variables choose other places.

/// The part of a managed configuration in bytes that a client looks at.
pub const MAX_SCANNED: u64 = 64 * 1024;

/// Whether the managed configuration in `text` contains `allow_user_config = true` before its first
/// table. The daemon, which parses the file, has the last word: here the line is enough.
#[must_use]
pub fn allows_overrides(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.lines().map(str::trim);
    let mut root = lines.take_while(|line| !line.starts_with('['));
    root.any(|line| {
        let Some((key, value)) = line.split_once('=') else {
            return false;
        };
        let value = value.split_once('#').map_or(value, |(value, _)| value);
        let key = key.trim().trim_matches(['"', '\'']);
        key == "allow_user_config" && value.trim() == "true"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_counts_before_the_first_table() {
        for text in [
            "allow_user_config = true",
            "\u{feff}version = 1\r\n  allow_user_config=true # for now\r\n[profile.a]\n",
            "\"allow_user_config\" = true\n",
        ] {
            assert!(allows_overrides(text), "{text:?}");
        }
        for text in [
            "",
            "version = 1\n",
            "allow_user_config = false\n",
            "# allow_user_config = true\n",
            "[profile.a]\nallow_user_config = true\n",
            "support = \"allow_user_config = true\"\n",
        ] {
            assert!(!allows_overrides(text), "{text:?}");
        }
    }
}
