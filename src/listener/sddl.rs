//! The access list of the pipe, in the security descriptor definition language.

/// Returns an access list that gives `user`, a SID, all rights, and none to other users or over the
/// network.
///
/// It names no owner: the system makes the creator the owner, and `interprocess` would replace the
/// owner by a group that is named here.
pub(super) fn only(user: &str) -> String {
    // `P`: nothing is inherited. `NU`: access over the network. Denials come first.
    format!("D:P(D;;GA;;;NU)(A;;GA;;;{user})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_user_is_allowed_and_not_over_the_network() {
        assert_eq!(
            only("S-1-5-21-1-2-3-1001"),
            "D:P(D;;GA;;;NU)(A;;GA;;;S-1-5-21-1-2-3-1001)"
        );
    }
}
