//! What it costs to wipe memory that is freed.

#![expect(unsafe_code, reason = "calls the allocators that it compares")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
    time::Duration,
};

use claviger::secret::WipingAllocator;

use crate::measure::{Samples, ratio, timed};

/// The number of rounds for each size, and of blocks in a round.
const ROUNDS: usize = 200;
const BLOCKS: u32 = 1_000;

pub(crate) fn run() {
    println!("\nallocate and free a block, p50     system, ns  wiping, ns       ratio");
    // A header, a token, the buffer of a connection.
    for size in [64, 1024, 16 * 1024] {
        let layout = Layout::from_size_align(size, 8).unwrap();
        let [mut system, mut wiping] = <[Samples; 2]>::default();
        for _ in 0..ROUNDS {
            system.push(blocks(&System, layout));
            wiping.push(blocks(&WipingAllocator, layout));
        }
        let [system, wiping] = [system.median(), wiping.median()];
        println!(
            "  {:28} {:>14} {:>11} {:>11.2}",
            format!("{size} bytes"),
            (system / BLOCKS).as_nanos(),
            (wiping / BLOCKS).as_nanos(),
            ratio(wiping, system),
        );
    }
}

fn blocks(allocator: &impl GlobalAlloc, layout: Layout) -> Duration {
    let work = || {
        for _ in 0..BLOCKS {
            // SAFETY: the layout has a size.
            let block = black_box(unsafe { allocator.alloc(layout) });
            // SAFETY: the block is live and of this layout, and not used again.
            unsafe { allocator.dealloc(block, layout) };
        }
    };
    timed(work).1
}
