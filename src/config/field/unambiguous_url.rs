//! URLs that every parser reads in the same way.

use std::cell::Cell;

use url::{ParseError, SyntaxViolation, Url};

/// What every such URL matches that is an `http` or `https` one without a user name, a query and a
/// fragment.
pub(super) const HTTP_PATTERN: &str = r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\\ ]+(?:/[^?#\\ ]*)?$";

/// A text that is not an unambiguous URL. A message never quotes the text: it may contain a
/// password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    /// It cannot be parsed.
    #[error("invalid URL: {0}")]
    Syntax(#[from] ParseError),
    /// A parser of the WHATWG URL standard, such as Node's, repairs it: a backslash, a tab, a
    /// missing slash. A parser of RFC 3986 refuses it or finds another host.
    #[error("ambiguous URL: {}", .0.description())]
    Ambiguous(SyntaxViolation),
}

/// Parses a URL as the WHATWG URL standard demands. What that standard calls a violation and
/// repairs is an error here, except a user name and a password, which are the caller's to judge.
///
/// # Errors
///
/// [`UrlError`].
pub(super) fn parse(text: &str) -> Result<Url, UrlError> {
    let (embeds_user, violation) = (Cell::new(false), Cell::new(None));
    let on_violation = |found| match found {
        SyntaxViolation::EmbeddedCredentials => embeds_user.set(true),
        found => violation.set(violation.get().or(Some(found))),
    };
    let url = Url::options()
        .syntax_violation_callback(Some(&on_violation))
        .parse(text)?;
    let empty_user =
        (embeds_user.get() && !has_user(&url)).then_some(SyntaxViolation::EmbeddedCredentials);
    match violation.get().or(empty_user) {
        Some(violation) => Err(UrlError::Ambiguous(violation)),
        None => Ok(url),
    }
}

/// Parses the `http` or `https` address of a server: without a user name, a query and a fragment.
/// `form` is the end of a message, what such an address looks like.
///
/// # Errors
///
/// A message about the key, which does not contain the text.
pub(super) fn parse_http(text: &str, form: &str) -> Result<Url, String> {
    let url = parse(text).map_err(|error| format!("{error}; {form}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("unsupported scheme; {form}"));
    }
    if has_user(&url) {
        return Err(format!("contains a user name or password; {form}"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("contains a query or fragment; {form}"));
    }
    Ok(url)
}

/// Whether `url` contains a user name or a password.
pub(super) fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_parser_repairs_is_an_error() {
        for text in [
            "https://v",
            "HTTPS://v:80/a/../b",
            "https://ana:pw@v",
            "urn:a:b",
            "mailto:a@b?subject=c",
            "socks5h://[::1]:1",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for (text, expected) in [
            ("v", "invalid URL: relative URL without a base"),
            ("https://", "invalid URL: empty host"),
            ("https:v", "ambiguous URL: expected //"),
            ("https:///v", "ambiguous URL: expected //"),
            ("https:\\\\v", "ambiguous URL: expected //"),
            ("https://C:\\.", "ambiguous URL: backslash"),
            ("https://v\\@w", "ambiguous URL: backslash"),
            ("https://v/\t", "ambiguous URL: leading or trailing"),
            ("https://v/a\tb", "ambiguous URL: tabs or newlines"),
            (" https://v", "ambiguous URL: leading or trailing"),
            ("https://v/a b", "ambiguous URL: non-URL code point"),
            ("https://v/%", "ambiguous URL: expected 2 hex digits"),
            ("https://@v", "ambiguous URL: embedding authentication"),
            ("https://a@b@v", "ambiguous URL: unencoded @ sign"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
