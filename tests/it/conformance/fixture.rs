//! A source whose server or program does what the test says.

use crate::support::{TestEnv, memory::Needle};

/// What is wrong with the source, until [`SourceFixture::recover`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceFault {
    /// It never answers.
    Hang,
    /// Its answer ends too early.
    DieMidAnswer,
    /// It answers something else.
    Garbage,
    /// It says that it cannot answer now.
    Unavailable,
    /// Something that it needs is missing on this machine.
    Missing,
}

impl SourceFault {
    /// The exit codes that a request may end with if no key is cached.
    pub(super) fn codes(self) -> &'static [i32] {
        match self {
            Self::Hang | Self::DieMidAnswer | Self::Unavailable => &[5],
            // Not this kind of server, or not a key.
            Self::Garbage => &[2, 5, 6],
            Self::Missing => &[2],
        }
    }
}

/// A machine with one profile, `default`, and the source of its keys. A request to the source takes
/// at most a second.
pub(super) trait SourceFixture: Sized {
    /// What can be wrong with the source; by default what can with a server or a program.
    const FAULTS: &'static [SourceFault] = &[
        SourceFault::Hang,
        SourceFault::DieMidAnswer,
        SourceFault::Garbage,
        SourceFault::Unavailable,
    ];

    /// The exit code of a refresh after [`Self::revoke`].
    const REVOKED: i32;

    /// Whether a refused refresh drops the key: the source's answer is about the key itself.
    const REVOKED_IS_FINAL: bool;

    /// Keys that are valid for long, and not looked at.
    async fn start() -> Self;

    /// Keys that live for seconds, or are looked at every second.
    async fn start_short_lived() -> Self;

    fn env(&self) -> &TestEnv;

    /// Whether this is one of the source's keys.
    fn is_key(&self, key: &str) -> bool;

    /// How many requests the source has had; always 0 if it makes its keys on this machine.
    fn requests(&self) -> usize;

    /// What the daemon has by now to obtain keys with: tokens, refresh tokens, signing keys.
    fn login_secrets(&self) -> Vec<Needle>;

    /// Gives the source another key, if it does not issue another one each time.
    async fn replace(&self);

    /// Takes away what the source's key or login rests on.
    async fn revoke(&self);

    fn fail(&self, fault: SourceFault);

    fn recover(&self);
}
