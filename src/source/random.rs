//! Random bytes for identifiers and secrets.

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::SourceError;

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
