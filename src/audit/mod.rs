//! The audit log: one line for each key that was served or refused, and for each change of a
//! credential, chained by hashes.

mod chain;
mod hash;
mod lines;
mod record;
mod verify;
