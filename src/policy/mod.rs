//! The central policy: what a company's security engineers restrict for all users at once, signed
//! with Ed25519.
//!
//! ```text
//! TOML ─▶ document ─▶ payload ─▶ jws ─▶ acceptance: may it replace the last one? ─▶ state
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
mod state;

pub(crate) use self::{
    acceptance::{Acceptance, accept},
    document::{PolicyDocument, Rule},
    evaluate::{CallerDenial, Denial, InForce, Request},
    jws::{JwsError, MAX_LEN, SignedPolicy, SigningInput, decode_unverified, verify},
    key::{SigningKey, key_id, public_key},
    payload::payload,
    schedule::{LOOK_TIMEOUT, worst_case},
    state::{Accepted, Look, LookOutcome, PolicyState, Standing},
};

#[cfg(test)]
pub(crate) use self::jws::tests as signed_policies;
