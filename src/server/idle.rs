//! How long a daemon stays without a request.

use std::time::Duration;

/// The longest time without a request for a daemon on an unusual socket: only clients with the same
/// environment reach it, such as those of one test or one container, and do not come back.
const UNUSUAL_SOCKET: Duration = Duration::from_secs(10 * 60);

/// The time after which an idle daemon ends; `None` if it stays. `configured` is the value of
/// `exit_when_idle`.
pub(super) fn limit(configured: Option<Duration>, is_usual_socket: bool) -> Option<Duration> {
    if is_usual_socket {
        configured
    } else {
        Some(configured.map_or(UNUSUAL_SOCKET, |limit| limit.min(UNUSUAL_SOCKET)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_an_unusual_socket_ten_minutes_is_the_longest() {
        let [minute, ten, hour] = [1, 10, 60].map(|minutes| Duration::from_secs(60 * minutes));
        assert_eq!(limit(None, true), None);
        assert_eq!(limit(Some(hour), true), Some(hour));
        assert_eq!(limit(None, false), Some(ten));
        assert_eq!(limit(Some(hour), false), Some(ten));
        assert_eq!(limit(Some(minute), false), Some(minute));
    }
}
