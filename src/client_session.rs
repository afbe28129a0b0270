//! The identity of a client session, which the broker keeps and `client_process` finds.

/// A client process: its id and its start time, because the system uses ids again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientSession {
    /// Process id.
    pub pid: u32,
    /// When the process started, in the unit of the system.
    pub started: u64,
}
