//! The `claviger` program: runs the command line and returns its exit code.

use std::process::ExitCode;

use claviger::secret::WipingAllocator;

/// Secrets pass through the buffers of many crates.
#[global_allocator]
static ALLOCATOR: WipingAllocator = WipingAllocator;

fn main() -> ExitCode {
    claviger::cli::main()
}
