//! What claviger-helper and claviger say to one another.

mod message;

pub use message::{Acquire, Failure, Format, Request, Response, Token};

/// The longest key that Claude Code takes from a helper, in characters.
pub const MAX_KEY_LEN: usize = 16_384;

/// Overwrites `bytes`.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(&*bytes);
}
