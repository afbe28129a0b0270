//! Whether anybody but the administrator, or the user, could have written a file.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use self::unix::Trust;
#[cfg(unix)]
pub(super) use self::unix::check_user_file;
#[cfg(windows)]
pub(crate) use self::windows::Trust;
#[cfg(windows)]
pub(super) use self::windows::check_user_file;

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What is wrong, with which file or directory: the end of a sentence.
    pub(super) reason: String,
    /// What to do now.
    pub(super) hint: String,
}
