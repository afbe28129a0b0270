//! The central policy: what a company's security engineers restrict for all users at once, signed
//! with Ed25519.
//!
//! ```text
//! TOML ─▶ document ─▶ payload ─▶ jws ─▶ acceptance: may it replace the last one?
//!                        key ─────┘         └▶ evaluate: what is in force for a user and profile
//! ```
//!
//! All of it is pure: the files, the clock and Vault are the command's.

mod acceptance;
mod document;
mod evaluate;
#[cfg(feature = "test-util")]
pub(crate) mod fuzzing;
mod jws;
mod key;
mod payload;
mod schedule;

pub(crate) use self::{
    acceptance::{Acceptance, accept},
    document::{PolicyDocument, Rule},
    evaluate::{Denial, Request},
    jws::{JwsError, SignedPolicy, SigningInput, decode_unverified, verify},
    key::{SigningKey, key_id, public_key},
    payload::payload,
    schedule::worst_case,
};
