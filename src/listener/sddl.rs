//! Who may open the pipe, in the security descriptor definition language.

/// `user`, a SID, may do everything; nobody else anything, and nobody over the network.
///
/// It is said who may, not whose it is: the system makes the creator the owner, and `interprocess` puts a group that is
/// named here in the owner's place.
pub(super) fn only(user: &str) -> String {
    // `P`: nothing is inherited. `NU`: whoever comes over the network; refusals go first.
    format!("D:P(D;;GA;;;NU)(A;;GA;;;{user})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_and_not_the_network() {
        assert_eq!(
            only("S-1-5-21-1-2-3-1001"),
            "D:P(D;;GA;;;NU)(A;;GA;;;S-1-5-21-1-2-3-1001)"
        );
    }
}
