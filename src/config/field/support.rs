//! The address of the administrator.

use std::{fmt, str::FromStr};

use super::{
    text_format::TextFormat,
    unambiguous_url::{self, UrlError, has_user},
};

/// The longest address, in bytes: it is shown in messages of at most 400 characters.
const MAX_LEN: usize = 200;

/// What an e-mail address contains before its `@` beside letters and digits (RFC 5322, section
/// 3.2.3).
const OF_A_NAME: &str = "!#$%&'*+-/=?^_`{|}~.";

/// The address of the administrator, for messages: an `http` or `https` URL, an e-mail address or a
/// `mailto` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Support(String);

impl FromStr for Support {
    type Err = &'static str;

    /// The text is in no error: it may contain a password.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_address = match unambiguous_url::parse(text) {
            Ok(url) => match url.scheme() {
                "http" | "https" => !has_user(&url),
                "mailto" => is_email(url.path()),
                _ => false,
            },
            Err(UrlError::Syntax(_)) => is_email(text),
            Err(UrlError::Ambiguous(_)) => false,
        };
        let is_plain = !text.contains(|c: char| c.is_control() || c.is_whitespace());
        match is_address && is_plain && text.len() <= MAX_LEN {
            true => Ok(Self(text.to_owned())),
            false => Err(
                "expected an http or https URL without a password, or an e-mail address, of at most 200 bytes",
            ),
        }
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` has the form `NAME@DOMAIN`.
fn is_email(text: &str) -> bool {
    let is_domain = |domain: &str| {
        domain.starts_with(char::is_alphanumeric)
            && domain.ends_with(char::is_alphanumeric)
            && domain
                .chars()
                .all(|c| c.is_alphanumeric() || "-.".contains(c))
    };
    let is_name = |name: &str| {
        let is_atom = |c: char| c.is_alphanumeric() || OF_A_NAME.contains(c);
        !name.is_empty() && name.chars().all(is_atom)
    };
    text.split_once('@')
        .is_some_and(|(name, domain)| is_name(name) && is_domain(domain))
}

impl TextFormat for Support {
    const PATTERN: &'static str = concat!(
        r"^(?:[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\\\s]+(?:[/?#]\S*)?",
        r"|[Mm][Aa][Ii][Ll][Tt][Oo]:[^\s@]+@\S+",
        r"|[^\s@:\\]+@[^\s@]+)$",
    );
    const EXAMPLE: &'static str = "it@example.com";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_e_mail_addresses_are_accepted() {
        for text in [
            "https://it.example.com/claviger",
            "http://it",
            "mailto:it@example.com?subject=Claviger",
            "it@example.com",
        ] {
            assert_eq!(text.parse::<Support>().unwrap().to_string(), text);
        }
        let long = format!("https://it.example.com/{}", "x".repeat(200));
        for text in [
            "it.example.com",
            "ask Ana",
            "ftp://it.example.com",
            "https://ana:hunter2@it.example.com",
            "https://it.example.com/a b",
            "@example.com",
            "it@",
            "http::it@example.com",
            "a:b@example.com",
            "it@example.com\nhint: rm",
            &long,
        ] {
            assert!(text.parse::<Support>().is_err(), "{text}");
        }
    }
}
