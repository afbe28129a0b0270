//! The audit log: one line for each key that was served or refused, and for each change of a
//! credential, chained by hashes.
//!
//! - `record`: the fields; `chain`: a record becomes a line; `verify`: what is wrong with lines;
//!   all three pure
//! - `file`: appending, rotation, going on after a crash; `tail`: what a crash has left
//! - `writer`: the thread that writes, and its queue; `sink`: the copies that go elsewhere
//! - `read`, `lines`: the files as a command reads them
//!
//! Any program of the same user can write the files, and so the whole chain and its
//! head anew. A copy of one head at a place that this user cannot write (the journal, syslog, a
//! collector) proves all records up to it.

mod chain;
mod file;
#[cfg(feature = "test-util")]
pub(crate) mod fuzzing;
mod hash;
mod lines;
pub(crate) mod read;
mod record;
mod settings;
mod sink;
mod state;
mod tail;
mod verify;
mod writer;

pub(crate) use self::{
    chain::Head,
    hash::Hash,
    record::Record,
    settings::{Names, Settings},
    state::AuditStatus,
    verify::{Expected, LineOf, Note, Verdict},
    writer::Audit,
};
