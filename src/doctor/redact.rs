//! What a text may contain of secrets, removed before it is shown: a report is pasted into tickets.

/// Removes the user's name, the password and the query of every URL in `text`.
#[must_use]
pub(crate) fn without_credentials(text: &str) -> String {
    const SCHEME_END: &str = "://";
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(SCHEME_END) {
        let (before, after) = rest.split_at(at + SCHEME_END.len());
        kept.push_str(before);
        let end = after.find(is_end).unwrap_or(after.len());
        let (url, others) = after.split_at(end);
        kept.push_str(&bare(url));
        rest = others;
    }
    kept.push_str(rest);
    kept
}

/// Whether a URL in a text ends before this character.
fn is_end(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\'' | '"' | '`' | '<' | '>' | '|')
}

/// What follows the scheme, without userinfo, query and fragment.
fn bare(url: &str) -> String {
    let authority = url.find(['/', '?', '#']).unwrap_or(url.len());
    // A password may contain an unescaped `@`, and a client takes the last one.
    let host = url[..authority].rfind('@').map_or(0, |at| at + 1);
    let url = &url[host..];
    match url.find(['?', '#']) {
        Some(at) => {
            let mark = &url[at..=at];
            format!("{}{mark}…", &url[..at])
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_its_host_and_path() {
        for (text, expected) in [
            ("", ""),
            ("no address: at all", "no address: at all"),
            ("'https://a.test/v1'", "'https://a.test/v1'"),
            (
                "'https://u:p@a.test/v1' denied",
                "'https://a.test/v1' denied",
            ),
            ("socks5h://u:p@w@a.test:1, x", "socks5h://a.test:1, x"),
            ("https://a.test?key=s3cret b", "https://a.test?… b"),
            (
                "https://a.test/@x/p?k=s#t (502)",
                "https://a.test/@x/p?… (502)",
            ),
            ("https://a.test/#token=s", "https://a.test/#…"),
            (
                "http://u@a.test and \"http://v@b.test/?q\"",
                "http://a.test and \"http://b.test/?…\"",
            ),
            ("ends in ://", "ends in ://"),
        ] {
            assert_eq!(without_credentials(text), expected);
        }
    }
}
