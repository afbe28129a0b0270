//! The process at the other end of a connection.

use crate::client_process::ProcessIdentity;

/// The client of a connection, as the system reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its process id, if the system reports it. For messages and limits alone: by the time of the
    /// request it may be another process's.
    pub(crate) pid: Option<u32>,
    /// The process that has connected, identified when the connection was accepted; `None` if it
    /// had ended by then, or if the system does not report it. Other processes may have the
    /// connection as well, such as its children: it is this one whose client counts.
    pub(crate) process: Option<ProcessIdentity>,
    /// Its user.
    pub(crate) user: PeerUser,
}

/// The users from whom the daemon accepts connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeerUser {
    /// The daemon's own user.
    Own,
    /// The administrator of the machine, if the daemon's user is another one. It can read the
    /// daemon's whole memory, so closing its connections would protect nothing. On Windows the
    /// pipe's access list does not admit it.
    Root,
}

impl PeerUser {
    /// Classifies the user with the number `uid`, for a daemon of the user `own`; `None` for a user
    /// whose connections are closed.
    #[cfg(any(unix, test))]
    pub(super) fn of(uid: u32, own: u32) -> Option<Self> {
        match uid {
            _ if uid == own => Some(Self::Own),
            0 => Some(Self::Root),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_user_and_root_are_served() {
        assert_eq!(PeerUser::of(1000, 1000), Some(PeerUser::Own));
        assert_eq!(PeerUser::of(0, 1000), Some(PeerUser::Root));
        assert_eq!(PeerUser::of(1001, 1000), None);
        assert_eq!(PeerUser::of(u32::MAX, 1000), None);
        // Root's own daemon: no other user is an administrator of it.
        assert_eq!(PeerUser::of(0, 0), Some(PeerUser::Own));
        assert_eq!(PeerUser::of(1000, 0), None);
    }
}
