//! The host's name as part of a path.

/// The longest part in bytes. A socket's path has at most 107, of which the home directory needs
/// some: /home/maximilian.mustermann/.local/state/claviger/run-HOST/agent.sock fits.
const MAX_LEN: usize = 24;

/// The length of the digest that ends a shortened name, with the hyphen before it.
const DIGEST_LEN: usize = 9;

/// Returns a part of a path that differs if `host` does. Characters outside host names become `_`,
/// and a digest ends a name that is too long or contains such characters.
pub(super) fn in_path(host: &str) -> String {
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = host
        .chars()
        .map(|c| if is_known(c) { c } else { '_' })
        .collect();
    if name == host && name.len() <= MAX_LEN && !name.starts_with('.') && !name.is_empty() {
        return name;
    }
    let start: String = name
        .trim_start_matches('.')
        .chars()
        .take(MAX_LEN - DIGEST_LEN)
        .collect();
    format!("{start}-{:08x}", digest(host))
}

/// FNV-1a: two hosts of one home directory get two digests; it protects nothing.
fn digest(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_name_stays_and_others_fit_a_path() {
        assert_eq!(in_path("build-7.corp"), "build-7.corp");
        let long = "a".repeat(70);
        for odd in ["", ".", "..", "a/b", "../x", "a\nb", "hôte", &long] {
            let part = in_path(odd);
            assert!(
                part.len() <= MAX_LEN && !part.contains(['/', '\n']),
                "{part}"
            );
            assert!(!part.starts_with('.') && part.is_ascii(), "{part}");
        }
        assert_ne!(in_path(&format!("{long}.a")), in_path(&format!("{long}.b")));
        assert_ne!(in_path("a/b"), in_path("a:b"));
    }
}
