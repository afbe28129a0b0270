//! Writes the helper into the settings of a client, and takes it out again.
//!
//! [`client`] knows where each client's settings are and which values make it run the helper.
//! [`change`] puts them into a document and takes them out: pure, without files. A [`Receipt`]
//! remembers what was written and what was there before.

mod change;
mod client;
mod receipt;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    change::{ApplyError, Undone, apply, is_applied, undo},
    client::{Directories, Helper, environment, file, names_helper, runs_helper, settings},
    receipt::{Receipt, Receipts},
};
