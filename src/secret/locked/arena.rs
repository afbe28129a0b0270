//! Which part of which pages a secret takes: the first that is large enough.

use std::{
    alloc::{Layout, handle_alloc_error},
    io,
    ptr::NonNull,
};

use super::Pages;

/// The least that is mapped at once, in bytes: room for the secrets of most users, in a quarter of
/// the limit that many systems have (64 KiB), and whole pages on all systems.
const CHUNK: usize = 16 * 1024;

/// All pages for secrets.
pub(super) struct Arena {
    chunks: Vec<Chunk>,
    /// Why the last chunk that could not be locked was not.
    problem: Option<io::ErrorKind>,
}

/// Pages with the parts that are taken, in their order: offset and length.
struct Chunk {
    pages: Pages,
    taken: Vec<(usize, usize)>,
}

impl Arena {
    pub(super) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            problem: None,
        }
    }

    /// The start of `len` bytes that nothing else has until [`Arena::free`].
    pub(super) fn allocate(&mut self, len: usize) -> NonNull<u8> {
        // Even an empty part has an address of its own, by which it is freed.
        let len = len.max(1);
        if let Some(start) = self.chunks.iter_mut().find_map(|chunk| chunk.take(len)) {
            return start;
        }
        let size = len.next_multiple_of(CHUNK);
        let mut chunk = Chunk::new(size);
        if let Err(error) = chunk.pages.lock() {
            self.problem = Some(error.kind());
        }
        // The chunk is at least as large.
        let Some(start) = chunk.take(len) else {
            out_of_memory(size)
        };
        self.chunks.push(chunk);
        start
    }

    /// Takes back the part that starts at `start`. Of the pages without a part the first are kept.
    pub(super) fn free(&mut self, start: NonNull<u8>) {
        for (index, chunk) in self.chunks.iter_mut().enumerate() {
            if chunk.release(start) {
                if chunk.taken.is_empty() && index > 0 {
                    self.chunks.remove(index);
                }
                return;
            }
        }
    }

    /// Why memory could not be locked; `None` if all is.
    pub(super) fn problem(&self) -> Option<io::ErrorKind> {
        self.problem
    }
}

impl Chunk {
    fn new(size: usize) -> Self {
        let Some(pages) = Pages::map(size) else {
            out_of_memory(size)
        };
        Self {
            pages,
            taken: Vec::new(),
        }
    }

    /// The start of the first gap of `len` bytes, which is then taken.
    fn take(&mut self, len: usize) -> Option<NonNull<u8>> {
        let mut offset = 0;
        let mut index = 0;
        while let Some(&(start, taken)) = self.taken.get(index) {
            if start - offset >= len {
                break;
            }
            offset = start + taken;
            index += 1;
        }
        if self.pages.len() - offset < len {
            return None;
        }
        self.taken.insert(index, (offset, len));
        self.pages.at(offset)
    }

    /// Whether the part that starts at `start` was one of this chunk's, which is then free.
    fn release(&mut self, start: NonNull<u8>) -> bool {
        let offset = start.addr().get().checked_sub(self.pages.start().get());
        let Some(offset) = offset.filter(|offset| *offset < self.pages.len()) else {
            return false;
        };
        self.taken.retain(|(start, _)| *start != offset);
        true
    }
}

/// Ends the process, as a failed allocation does.
fn out_of_memory(size: usize) -> ! {
    handle_alloc_error(Layout::array::<u8>(size).unwrap_or(Layout::new::<u8>()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn empty_pages_are_given_back_except_the_first() {
        let mut arena = Arena::new();
        let parts: Vec<_> = (0..5).map(|_| arena.allocate(CHUNK - 1)).collect();
        assert_eq!(arena.chunks.len(), 5);
        for part in parts {
            arena.free(part);
        }
        assert_eq!(arena.chunks.len(), 1);
        let large = arena.allocate(CHUNK * 3 + 1);
        assert_eq!(arena.chunks[1].pages.len(), CHUNK * 4);
        arena.free(large);
        assert_eq!(arena.chunks.len(), 1);
    }

    proptest! {
        /// Each step allocates some bytes, or frees one of the parts.
        #[test]
        fn parts_never_overlap(steps in prop::collection::vec((any::<bool>(), 0..20_000_usize), 1..60)) {
            let mut arena = Arena::new();
            let mut parts = Vec::<(usize, usize)>::new();
            for (frees, number) in steps {
                if frees && !parts.is_empty() {
                    let (start, _) = parts.swap_remove(number % parts.len());
                    arena.free(NonNull::new(std::ptr::without_provenance_mut(start)).unwrap());
                } else {
                    let start = arena.allocate(number).addr().get();
                    for (other, len) in &parts {
                        prop_assert!(start + number.max(1) <= *other || other + len <= start);
                    }
                    parts.push((start, number.max(1)));
                }
            }
            let taken: usize = arena.chunks.iter().map(|chunk| chunk.taken.len()).sum();
            prop_assert_eq!(taken, parts.len());
        }
    }
}
