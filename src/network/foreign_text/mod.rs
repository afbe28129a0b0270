//! Text that a server, a proxy or a program wrote, and the secrets that it must not repeat.

mod decode;

use std::{collections::HashSet, fmt};

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use self::decode::decodings;
use crate::secret::Secret;

/// The most characters of foreign text in a message. The client shows 400 characters in total.
const MAX_CHARS: usize = 200;

/// The longest text that is searched for secrets, in bytes; a longer one is cut before. It is well
/// above [`MAX_CHARS`], so that a secret in another encoding is complete.
const MAX_SEARCHED: usize = 4 * 1024;

/// How many characters in a row of a secret are too many: a server may shorten what it repeats.
/// Shorter ones occur by chance: a password may contain "password".
const MAX_REPEATED: usize = 12;

/// What is shown in place of a text that repeats a secret.
const OMITTED: &str = "(omitted: the text contains a secret)";

/// Text that a server, a proxy or a program wrote. It may repeat what was sent: it has no
/// `Display`, and [`ForeignText::clean`] is the only way to a text for a message.
#[derive(Default)]
pub(crate) struct ForeignText(Zeroizing<String>);

/// The secrets that a request contains, which must not be in what is shown of the response.
#[derive(Clone, Default)]
pub(crate) struct RequestSecrets(Vec<Secret>);

impl ForeignText {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// All of `texts`, with `; ` between two.
    pub(crate) fn join(texts: &[Self]) -> Self {
        let texts: Vec<_> = texts.iter().map(|text| text.0.as_str()).collect();
        Self::new(texts.join("; "))
    }

    /// The text as it is, which may repeat a secret: for decisions, and never for a message.
    pub(crate) fn uncleaned(&self) -> &str {
        &self.0
    }

    /// Returns the text as one line of at most 200 characters, or a placeholder if it repeats one
    /// of `secrets`, as it is or encoded.
    pub(crate) fn clean(&self, secrets: &RequestSecrets) -> String {
        let text = &self.0[..self.0.floor_char_boundary(MAX_SEARCHED)];
        match secrets.are_in(text) {
            true => OMITTED.to_owned(),
            false => one_line(text),
        }
    }
}

impl fmt::Debug for ForeignText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignText(…)")
    }
}

impl<'de> Deserialize<'de> for ForeignText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl RequestSecrets {
    /// Adds a secret of the request.
    pub(crate) fn add(&mut self, secret: Secret) {
        if !secret.expose().is_empty() {
            self.0.push(secret);
        }
    }

    /// Adds all secrets of `other`.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// Whether `text`, or what it decodes to, contains one of the secrets or a long part of one.
    fn are_in(&self, text: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let secrets: Vec<_> = self
            .0
            .iter()
            .map(|secret| normalized(secret.expose().as_bytes()))
            .collect();
        // Looked up rather than compared one by one: a JWT has a thousand parts.
        let parts: HashSet<_> = secrets
            .iter()
            .flat_map(|secret| secret.windows(secret.len().clamp(1, MAX_REPEATED)))
            .collect();
        let lengths: HashSet<_> = parts.iter().map(|part| part.len()).collect();
        decodings(text.as_bytes()).iter().any(|text| {
            let text = normalized(text);
            lengths
                .iter()
                .any(|&length| text.windows(length).any(|window| parts.contains(window)))
        })
    }
}

impl FromIterator<Secret> for RequestSecrets {
    fn from_iter<T: IntoIterator<Item = Secret>>(secrets: T) -> Self {
        let mut all = Self::default();
        secrets.into_iter().for_each(|secret| all.add(secret));
        all
    }
}

/// In lower case and without whitespace and control characters: neither hides a secret.
fn normalized(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let visible = text
        .iter()
        .filter(|byte| byte.is_ascii_graphic() || !byte.is_ascii());
    Zeroizing::new(visible.map(u8::to_ascii_lowercase).collect())
}

/// Returns `text` as one line of at most 200 characters. Each run of whitespace and control
/// characters becomes one space. For text that cannot repeat a secret.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let visible = |c: char| !c.is_control() && !is_format(c);
    for part in text.split(|c: char| c.is_whitespace() || !visible(c)) {
        if part.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(part);
    }
    if let Some((cut, _)) = line.char_indices().nth(MAX_CHARS) {
        line.truncate(cut);
        line.pop();
        line.push('…');
    }
    line
}

/// Whether `c` changes the direction of text or is invisible, so that a message reads as another.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "hvs.CAESIJ-4f+k/9=\"ü\"";

    fn clean(text: &str, secrets: &[&str]) -> String {
        let secrets = secrets
            .iter()
            .map(|secret| Secret::new((*secret).to_owned()));
        ForeignText::new(text).clean(&secrets.collect())
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(
            one_line("1 error occurred:\n\t* permission denied\n\n"),
            "1 error occurred: * permission denied"
        );
        assert_eq!(one_line("a\u{1b}[31mb\u{202e}c"), "a [31mb c");
    }

    #[test]
    fn long_text_is_cut() {
        let line = one_line(&"é".repeat(500));
        assert_eq!(line.chars().count(), MAX_CHARS);
        assert!(line.ends_with('…'));
    }

    #[test]
    fn a_repeated_secret_is_omitted_in_every_encoding() {
        for text in [
            "bad token hvs.CAESIJ-4f+k/9=\"ü\"",
            "bad token HVS.CAESIJ-4F+K/9=\"ü\"",
            "bad token hvs.CAESIJ-\n 4f+k/9=\"ü\"",
            "bad token hvs.CAESIJ-4…",
            r#"{"x-vault-token": "hvs.CAESIJ-4f+k\/9=\"\u00fc\""}"#,
            r"\u0068\u0076\u0073.CAESIJ-4f+k",
            "token=hvs.CAESIJ-4f%2Bk%2F9%3D%22%C3%BC%22",
            "token=%68%76%73%2e%43AESIJ-4f%2bk",
            "a%2520b hvs%252ECAESIJ-4f%252Bk",
            "&quot;hvs.CAESIJ-4f+k/9=&quot;",
            "&#104;&#118;&#x73;.CAESIJ-4f+k",
            // printf %s "$TOKEN" | base64
            "got aHZzLkNBRVNJSi00ZitrLzk9IsO8Ig==",
            "got aHZzLkNBRVNJSi00ZitrLzk9IsO8Ig",
            // printf %s "user:$TOKEN" | base64: at another offset
            "Basic dXNlcjpodnMuQ0FFU0lKLTRmK2svOT0iw7wi",
            "path/aHZzLkNBRVNJSi00ZitrLzk9IsO8Ig==",
            // printf %s "$TOKEN" | xxd -p
            "got 6876732e434145534",
            "got 6876732e43414553494a2d34662b6b2f393d22c3bc22",
        ] {
            let cleaned = clean(text, &["other-secret", TOKEN]);
            match text {
                // Eight characters are left of the token, which is too few to recognize.
                "got 6876732e434145534" => assert_eq!(cleaned, text),
                _ => assert_eq!(cleaned, OMITTED, "{text}"),
            }
        }
    }

    #[test]
    fn other_text_is_shown() {
        let text = "permission denied: invalid username or password (403)";
        assert_eq!(clean(text, &["correct-password-123", TOKEN]), text);
        assert_eq!(clean(text, &[]), text);
        assert_eq!(clean(text, &[""]), text);
    }

    #[test]
    fn a_short_secret_is_found_as_a_whole() {
        assert_eq!(clean("PIN 8241 is wrong", &["8241"]), OMITTED);
        assert_eq!(clean("PIN 824 is wrong", &["8241"]), "PIN 824 is wrong");
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", ForeignText::new(TOKEN)), "ForeignText(…)");
    }
}
