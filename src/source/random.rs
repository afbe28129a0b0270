//! Random bytes for identifiers and secrets.

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::SourceError;
use crate::secret::Secret;

/// The random bytes in a text. 32 are what RFC 7636, section 4.1, recommends for a verifier, which
/// then has 43 characters.
const TEXT_BYTES: usize = 32;

/// Returns random text of characters that need no encoding in a URL, for the source `name`: a
/// `state`, a nonce or a verifier.
///
/// # Errors
///
/// As [`bytes`].
pub(super) fn text(name: &str) -> Result<Secret, SourceError> {
    let bytes = bytes::<TEXT_BYTES>(name)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

/// Returns random bytes of the system, for the source `name`.
///
/// # Errors
///
/// [`SourceError::Configuration`] if the system returns none.
pub(super) fn bytes<const N: usize>(name: &str) -> Result<Zeroizing<[u8; N]>, SourceError> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::fill(&mut *bytes).map_err(|_| SourceError::Configuration {
        reason: format!("source '{name}' cannot read random numbers from the system"),
        hint: "restart the daemon".to_owned(),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_text_is_a_verifier_and_never_the_same() {
        let texts = [(); 3].map(|()| text("s").unwrap());
        assert!(texts[0] != texts[1] && texts[1] != texts[2]);
        let is_unreserved = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        for text in &texts {
            assert_eq!(text.expose().len(), 43);
            assert!(text.expose().chars().all(is_unreserved));
        }
    }
}
