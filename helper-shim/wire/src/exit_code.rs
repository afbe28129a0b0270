//! Exit codes, the same for claviger-helper and claviger.

use std::{fmt, process};

/// The exit code of a failure. Success is 0; 1 is never returned.
///
/// The numbers are a contract with clients and scripts.
///
/// | code | meaning | stderr contains |
/// |---|---|---|
/// | 2 | usage or configuration error | the file and key, the accepted values |
/// | 3 | the user must log in | the profile |
/// | 4 | the gateway rejects the key that the source still returns | since when, source, version |
/// | 5 | the source fails, and no valid key is cached | the host and its response |
/// | 6 | the source's key is not usable | the field |
/// | 7 | denied by a rule: terminal, another user, an unsafe directory | the rule |
/// | 8 | the daemon cannot be started or does not answer in time | the daemon's log file |
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Usage or configuration error.
    Usage = 2,
    /// The user must log in.
    LoginRequired = 3,
    /// The gateway rejects the key that the source still returns.
    KeyRejected = 4,
    /// The source is unreachable or its response is wrong, and no valid key is cached.
    SourceFailed = 5,
    /// The source's key is not usable.
    KeyUnusable = 6,
    /// Denied by a rule: terminal, another user, an unsafe directory.
    Denied = 7,
    /// The daemon cannot be started or does not answer in time.
    DaemonUnavailable = 8,
}

impl ExitCode {
    /// Every code, in ascending order.
    pub const ALL: [Self; 7] = [
        Self::Usage,
        Self::LoginRequired,
        Self::KeyRejected,
        Self::SourceFailed,
        Self::KeyUnusable,
        Self::Denied,
        Self::DaemonUnavailable,
    ];

    /// The number, 2 to 8.
    #[must_use]
    pub const fn as_byte(self) -> u8 {
        self as u8
    }

    /// Returns the code with this number. An unknown number is a fault of the daemon that sent it:
    /// [`Self::DaemonUnavailable`].
    #[must_use]
    pub fn from_byte(byte: u8) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|code| code.as_byte() == byte)
            .unwrap_or(Self::DaemonUnavailable)
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.as_byte())
    }
}

/// The number, which is what logs and frozen versions of this crate show.
impl fmt::Debug for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_byte(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_and_unknown_ones_are_8() {
        assert_eq!(ExitCode::ALL.map(ExitCode::as_byte), [2, 3, 4, 5, 6, 7, 8]);
        for code in ExitCode::ALL {
            assert_eq!(ExitCode::from_byte(code.as_byte()), code);
        }
        for unknown in [0, 1, 9, 255] {
            assert_eq!(ExitCode::from_byte(unknown), ExitCode::DaemonUnavailable);
        }
    }
}
