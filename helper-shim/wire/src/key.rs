//! The form of a key that clients accept.

use crate::{ExitCode, Failure, MAX_KEY_LEN};

/// Checks the form that Claude Code accepts from a helper. Other clients show a key with a line
/// break or a control character in their messages.
///
/// # Errors
///
/// [`ExitCode::KeyUnusable`]; the message contains nothing of the key.
pub fn check_key(key: &[u8]) -> Result<(), Failure> {
    let problem = if key.is_empty() {
        "is empty".to_owned()
    } else if key.len() > MAX_KEY_LEN {
        format!("has more than {MAX_KEY_LEN} characters")
    } else if key.iter().any(u8::is_ascii_whitespace) {
        "contains whitespace".to_owned()
    } else if !key.iter().all(u8::is_ascii_graphic) {
        "is not printable ASCII".to_owned()
    } else {
        return Ok(());
    };
    Err(Failure::new(
        ExitCode::KeyUnusable,
        format!("the source's key {problem}"),
        "check which 'field' of the source the configuration names",
    ))
}
