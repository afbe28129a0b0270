//! The identity of a client session: `client_process` finds it, the broker counts by it.

/// A client process, identified by its id and its start time: the system reuses ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientSession {
    /// Process id.
    pub pid: u32,
    /// The start time in microseconds, since an epoch that differs between systems.
    pub started: u64,
}
