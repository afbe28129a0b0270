//! The forms of answers.

use crate::{config, preset::Ask};

/// The forms of a configuration's values, beside which there are those below.
const OF_CONFIGURATION: [&str; 5] = [
    "file-path",
    "gateway-url",
    "issuer",
    "vault-address",
    "vault-path",
];

/// The answer that `text` is, without white space around it and without the slash at an address's
/// end.
///
/// # Errors
///
/// What is expected instead.
pub(super) fn accept(ask: &Ask, text: &str) -> Result<String, String> {
    let text = text.trim();
    if !ask.choices.is_empty() && !ask.choices.iter().any(|choice| choice == text) {
        return Err(format!("expected one of: {}", ask.choices.join(", ")));
    }
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(format!("expected a value such as '{}'", ask.example));
    }
    let form = ask.form.as_deref().unwrap_or("text");
    let text = match form {
        "gateway-url" | "issuer" => text.trim_end_matches('/'),
        // As it is copied from a browser.
        "host" => text.trim_start_matches("https://").trim_end_matches('/'),
        _ => text,
    };
    let is_accepted = match form {
        "guid" => is_guid(text),
        "host" => text.contains('.') && url::Host::parse(text).is_ok(),
        "segment" => !text.contains(|c: char| c.is_whitespace() || "/?#{}\\".contains(c)),
        "text" => true,
        form if OF_CONFIGURATION.contains(&form) => {
            return match config::check_format(form, text) {
                Ok(()) => Ok(text.to_owned()),
                Err(problem) => Err(problem),
            };
        }
        _ => false,
    };
    match is_accepted {
        true => Ok(text.to_owned()),
        false => Err(format!("expected a value such as '{}'", ask.example)),
    }
}

/// Whether it is an identifier such as Entra's: 8, 4, 4, 4 and 12 hex digits.
fn is_guid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    let is_hex = |part: &&str| part.chars().all(|c| c.is_ascii_hexdigit());
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(is_hex)
}
