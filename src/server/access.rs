//! What a peer may ask for.

use claviger_wire::{ExitCode, Failure, Request};

use crate::listener::PeerUser;

/// Returns the failure for a request that `user` must not send.
///
/// Root may ask another user's daemon for its state, lock it, which takes keys away, and end it
/// (`claviger stop --all-users`). It gets neither a key nor a change of one: a key is printed for
/// its own user only, and only that user unlocks.
pub(super) fn refusal(user: PeerUser, request: &Request) -> Option<Failure> {
    match (user, request) {
        (PeerUser::Own, _)
        | (
            PeerUser::Root,
            Request::Metrics
            | Request::Status { .. }
            | Request::Lock
            | Request::Stop
            | Request::Unknown { .. },
        ) => None,
        (
            PeerUser::Root,
            Request::Acquire(_)
            | Request::Refresh { .. }
            | Request::Logout { .. }
            | Request::Login(_)
            | Request::Unlock,
        ) => Some(Failure::new(
            ExitCode::Denied,
            "the daemon of another user gives root no key and changes none",
            "run the command as that user",
        )),
    }
}

#[cfg(test)]
mod tests {
    use claviger_wire::{Acquire, Login, Variables};

    use super::*;

    #[test]
    fn root_gets_the_state_and_may_end_the_daemon() {
        let profile = Some("default".to_owned());
        let cases = [
            (Request::Acquire(Acquire::default()), false),
            (Request::Status { profile: None }, true),
            (Request::Metrics, true),
            (
                Request::Refresh {
                    profile: profile.clone(),
                    variables: Variables::default(),
                },
                false,
            ),
            (Request::Logout { profile }, false),
            (Request::Login(Login::default()), false),
            (Request::Stop, true),
            (Request::Lock, true),
            (Request::Unlock, false),
            (Request::Unknown { kind: 77 }, true),
        ];
        for (request, root_may) in cases {
            assert_eq!(refusal(PeerUser::Own, &request), None, "{request:?}");
            let refused = refusal(PeerUser::Root, &request).map(|failure| failure.code);
            let expected = (!root_may).then_some(ExitCode::Denied);
            assert_eq!(refused, expected, "{request:?}");
        }
    }
}
