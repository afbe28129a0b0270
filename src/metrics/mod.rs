//! What `claviger metrics` prints: the names, the daemon's counters, its report, and the text.
//!
//! The daemon counts ([`Counters`]) and reports ([`MetricsReport`]); the command makes the text of
//! the reports of one daemon, or of those of all users.

mod counters;
mod exposition;
mod family;
mod report;
mod samples;

pub(crate) use self::{
    counters::{Counters, Rejection},
    exposition::Exposition,
    report::MetricsReport,
};
