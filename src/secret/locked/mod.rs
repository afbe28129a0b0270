//! Memory for secrets alone: pages that are not swapped out, are in no core dump, and are empty in
//! a child process, as far as the system has that.
//!
//! ```text
//! LockedBytes ─▶ arena: which part of which pages ─▶ unix, windows: the pages
//! ```
//!
//! Not one of the crates for it: `memsec` and `secrets` take three pages or more for each secret,
//! which ends at a few secrets where the limit of locked memory is 64 KiB, and `region` only locks.

#![expect(
    unsafe_code,
    reason = "a secret is a part of memory that the system has mapped"
)]

mod arena;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{
    ptr::NonNull,
    slice,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use zeroize::Zeroize;

use self::arena::Arena;
#[cfg(unix)]
use self::unix::Pages;
#[cfg(windows)]
use self::windows::Pages;
use super::allocator::wipe;
use crate::sync;

static ARENA: Mutex<Arena> = Mutex::new(Arena::new());

/// Whether the log says that memory is not locked.
static IS_REPORTED: AtomicBool = AtomicBool::new(false);

/// Bytes that do not change, in locked memory. They are wiped when this is dropped.
pub(super) struct LockedBytes {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the bytes belong to this value alone and do not change before it is dropped.
unsafe impl Send for LockedBytes {}
// SAFETY: as above.
unsafe impl Sync for LockedBytes {}

impl LockedBytes {
    /// A copy of `bytes`. If the system refuses to lock more memory, it is not locked, and the log
    /// says so once.
    pub(super) fn copy_of(bytes: &[u8]) -> Self {
        let mut arena = sync::lock(&ARENA);
        let start = arena.allocate(bytes.len());
        let problem = arena.problem();
        drop(arena);
        if let Some(error) = problem {
            report(error);
        }
        // SAFETY: the arena has handed out that many bytes, to this call alone.
        unsafe { start.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        Self {
            start,
            len: bytes.len(),
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        // SAFETY: `copy_of` has written the bytes, and they are live until `self` is dropped.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Zeroize for LockedBytes {
    fn zeroize(&mut self) {
        // SAFETY: the bytes are live, and nothing else accesses them meanwhile.
        unsafe { wipe(self.start.as_ptr(), self.len) };
    }
}

impl Drop for LockedBytes {
    fn drop(&mut self) {
        self.zeroize();
        sync::lock(&ARENA).free(self.start);
    }
}

/// Says in the log, as soon as there is one, that memory is not locked.
fn report(error: std::io::ErrorKind) {
    if tracing::enabled!(tracing::Level::WARN) && !IS_REPORTED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            event = "memory-not-locked",
            %error,
            "secrets may be swapped out: raise the limit of locked memory (ulimit -l)",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_what_they_were_made_of() {
        let many: Vec<_> = (0..200_usize)
            .map(|len| (len, LockedBytes::copy_of(&vec![len as u8; len * 37])))
            .collect();
        for (len, bytes) in &many {
            assert_eq!(bytes.as_slice(), vec![*len as u8; len * 37], "{len}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_pages_are_locked_and_in_no_core() {
        let bytes = LockedBytes::copy_of(b"some secret");
        let address = bytes.as_slice().as_ptr().addr();
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut is_mapping = false;
        for line in smaps.lines() {
            let first = line.split(' ').next().unwrap();
            if let Some((start, end)) = first.split_once('-') {
                let [start, end] = [start, end].map(|at| usize::from_str_radix(at, 16).unwrap());
                is_mapping = (start..end).contains(&address);
            } else if is_mapping && first == "VmFlags:" {
                for flag in [" lo", " dd", " wf"] {
                    assert!(line.contains(flag), "{flag} in {line}");
                }
                return;
            }
        }
        panic!("the mapping of {address:#x} was not found");
    }
}
