//! Pages of memory on Unix.

#![expect(unsafe_code, reason = "maps memory")]

use std::{
    ffi::c_void,
    io,
    num::NonZeroUsize,
    ptr::{self, NonNull},
};

use rustix::mm::{MapFlags, ProtFlags, mlock, mmap_anonymous, munmap};

/// Pages that belong to this value, and are zero at first.
pub(super) struct Pages {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the pages belong to the process, whichever thread has mapped them.
unsafe impl Send for Pages {}

impl Pages {
    /// Maps `len` bytes, not 0, which are in no core dump and are zero in a child process, if the
    /// system has that; `None` if it has no memory left.
    pub(super) fn map(len: usize) -> Option<Self> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the mapping is new, and replaces none.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), len, protection, MapFlags::PRIVATE) };
        let start = NonNull::new(start.ok()?.cast())?;
        let pages = Self { start, len };
        #[cfg(any(target_os = "linux", target_os = "android"))]
        pages.advise();
        Some(pages)
    }

    /// Keeps the pages out of swap.
    ///
    /// # Errors
    ///
    /// Those of mlock(2): the limit of the process is reached.
    pub(super) fn lock(&self) -> io::Result<()> {
        // SAFETY: the pages are mapped, and stay as they are.
        Ok(unsafe { mlock(self.pointer(), self.len) }?)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The address of the first byte.
    pub(super) fn start(&self) -> NonZeroUsize {
        self.start.addr()
    }

    /// The byte at `offset`; `None` behind the end.
    pub(super) fn at(&self, offset: usize) -> Option<NonNull<u8>> {
        // SAFETY: the offset is within the pages.
        (offset < self.len).then(|| unsafe { self.start.add(offset) })
    }

    /// An old kernel lacks some of this advice: see madvise(2).
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn advise(&self) {
        use rustix::mm::{Advice, madvise};

        for advice in [Advice::LinuxDontDump, Advice::LinuxWipeOnFork] {
            // SAFETY: the pages are mapped, and their content in this process does not change.
            let _ = unsafe { madvise(self.pointer(), self.len, advice) };
        }
    }

    fn pointer(&self) -> *mut c_void {
        self.start.as_ptr().cast()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the pages are mapped, and nothing uses them any more. This unlocks them, too.
        let _ = unsafe { munmap(self.pointer(), self.len) };
    }
}
