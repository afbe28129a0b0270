//! What the functions of the fuzz targets have in common ([`fuzzing`](crate::fuzzing)): the secret
//! in an input, and what holds for every message about the input.

use crate::secret::Secret;

/// Stands for a secret in the input. Every corpus whose inputs can contain one has it, so that the
/// fuzzer copies it.
pub(crate) const CANARY: &str = "sk-canary-5f3a9b7e41d8";

/// The same as a secret of the request that the input is the response to.
pub(crate) fn canary() -> Secret {
    Secret::new(CANARY.to_owned())
}

/// Splits an input into the status in its first line, 200 if there is none, and the body after it.
pub(crate) fn response(input: &[u8]) -> (u16, &[u8]) {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let first = lines.next().and_then(|line| str::from_utf8(line).ok());
    match (first.and_then(|line| line.parse().ok()), lines.next()) {
        (Some(status @ 100..=599), Some(body)) => (status, body),
        _ => (200, input),
    }
}

/// Asserts that `message` is one line without control characters, and repeats no secret.
#[track_caller]
pub(crate) fn assert_shown(message: &str) {
    assert_silent(message);
    assert_one_line(message);
}

/// Asserts that `message` is one line without control characters.
#[track_caller]
pub(crate) fn assert_one_line(message: &str) {
    let hidden = message.chars().find(|c| c.is_control());
    assert!(hidden.is_none(), "{hidden:?} in the message {message:?}");
}

/// Asserts that `text` repeats no secret.
#[track_caller]
pub(crate) fn assert_silent(text: &str) {
    let repeats = text.to_ascii_lowercase().contains(CANARY);
    assert!(!repeats, "a secret in {text:?}");
}
