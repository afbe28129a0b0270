//! An allocator that wipes memory before it is freed.
//!
//! A secret passes through buffers that other crates make, use and drop: of HTTP, TLS, JSON and
//! base64. None of them wipes them, and the bytes would stay in the heap until something overwrites
//! them. With this allocator they end with the buffer.

#![expect(
    unsafe_code,
    reason = "an allocator hands out raw memory, and wipes it through a pointer"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    arch::asm,
};

/// The system's allocator, which wipes each block before it is freed. A program registers it with
/// `#[global_allocator]`.
///
/// A block that grows is allocated anew, copied and wiped, since the system's `realloc` would leave
/// its former place as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct WipingAllocator;

// SAFETY: every block is the system's, of the layout that was asked for. `realloc` is the trait's
// own, which uses the methods below.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back a live block of that size, which it does not use again.
        unsafe { wipe(block, layout.size()) };
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Overwrites `len` bytes with zeros, even if nothing reads them again.
///
/// `zeroize` writes a vector byte by byte, which is too slow for every block that is freed.
///
/// # Safety
///
/// The bytes at `start` are allocated, and nothing else accesses them during the call.
pub(super) unsafe fn wipe(start: *mut u8, len: usize) {
    // SAFETY: the caller guarantees that.
    unsafe { start.write_bytes(0, len) };
    // SAFETY: there are no instructions. The compiler must assume that they read all memory that
    // the pointer leads to, so that it cannot omit the writes before them.
    unsafe { asm!("/* {0} */", in(reg) start, options(nostack, preserves_flags, readonly)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a live block.
    fn bytes<'a>(block: *mut u8, len: usize) -> &'a mut [u8] {
        // SAFETY: the tests pass live blocks with initialised bytes.
        unsafe { std::slice::from_raw_parts_mut(block, len) }
    }

    #[test]
    fn a_wiped_block_is_zero() {
        for len in [0, 1, 15, 16, 1000] {
            let mut block = vec![7_u8; len + 1];
            // SAFETY: the vector has more bytes than that.
            unsafe { wipe(block.as_mut_ptr(), len) };
            assert!(block[..len].iter().all(|byte| *byte == 0), "{len}");
            assert_eq!(block[len], 7, "{len}");
        }
    }

    #[test]
    fn a_block_that_grows_or_shrinks_keeps_its_bytes() {
        let allocator = WipingAllocator;
        let layout = Layout::from_size_align(24, 8).unwrap();
        // SAFETY: the layout has a size.
        let block = unsafe { allocator.alloc_zeroed(layout) };
        assert_eq!(bytes(block, 24), [0; 24]);
        bytes(block, 24).fill(7);
        // SAFETY: the block is live and of that layout.
        let block = unsafe { allocator.realloc(block, layout, 4000) };
        assert_eq!(bytes(block, 24), [7; 24]);
        let layout = Layout::from_size_align(4000, 8).unwrap();
        // SAFETY: as above.
        let block = unsafe { allocator.realloc(block, layout, 8) };
        assert_eq!(bytes(block, 8), [7; 8]);
        // SAFETY: as above; it is not used again.
        unsafe { allocator.dealloc(block, Layout::from_size_align(8, 8).unwrap()) };
    }
}
