//! Pages of memory on Windows. It has neither of the flags for core dumps and child processes: it
//! makes no core dumps by default, and a child inherits no memory.

#![expect(unsafe_code, reason = "maps memory")]

use std::{
    ffi::c_void,
    io,
    num::NonZeroUsize,
    ptr::{self, NonNull},
};

use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE, VirtualAlloc, VirtualFree, VirtualLock,
};

/// Pages that belong to this value, and are zero at first.
pub(super) struct Pages {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the pages belong to the process, whichever thread has mapped them.
unsafe impl Send for Pages {}

impl Pages {
    /// Maps `len` bytes, not 0; `None` if the system has no memory left.
    pub(super) fn map(len: usize) -> Option<Self> {
        let kind = MEM_COMMIT | MEM_RESERVE;
        // SAFETY: the system chooses the address, and replaces no mapping.
        let start = unsafe { VirtualAlloc(ptr::null(), len, kind, PAGE_READWRITE) };
        let start = NonNull::new(start.cast())?;
        Some(Self { start, len })
    }

    /// Keeps the pages out of the page file.
    ///
    /// # Errors
    ///
    /// Those of `VirtualLock`: the process's least working set is used up.
    pub(super) fn lock(&self) -> io::Result<()> {
        // SAFETY: the pages are mapped, and stay as they are.
        match unsafe { VirtualLock(self.pointer(), self.len) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
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

    fn pointer(&self) -> *mut c_void {
        self.start.as_ptr().cast()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the pages were mapped in this way, and nothing uses them any more. This unlocks
        // them, too.
        unsafe { VirtualFree(self.pointer(), 0, MEM_RELEASE) };
    }
}
