//! The README's measurements, each beside that of a peer from the same run. `tests/bench/run` runs
//! it.

#![expect(clippy::print_stdout, reason = "it prints what it measures")]
#![cfg_attr(
    target_os = "linux",
    expect(
        clippy::expect_used,
        clippy::panic,
        clippy::unwrap_used,
        reason = "a failed measurement ends the program"
    )
)]

#[cfg(target_os = "linux")]
mod allocator;
#[cfg(target_os = "linux")]
mod audit;
#[cfg(target_os = "linux")]
mod cold;
#[cfg(target_os = "linux")]
mod crowd;
#[cfg(target_os = "linux")]
mod fixture;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod reconnect;
#[cfg(target_os = "linux")]
mod resident;
#[cfg(target_os = "linux")]
#[path = "../it/support/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "shared with the integration tests, which use all of it"
)]
mod support;
#[cfg(target_os = "linux")]
mod warm;

/// A failed assertion ends the program with a panic, so with an exit code other than 0.
#[cfg(target_os = "linux")]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    println!(
        "{} processors, load {} when it began; times in ms",
        std::thread::available_parallelism().unwrap(),
        load.split(' ').next().unwrap(),
    );
    warm::run().await;
    audit::run().await;
    cold::run().await;
    crowd::run().await;
    allocator::run();
    reconnect::run().await;
    resident::run().await;
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the figures are taken from /proc, which only Linux has");
}
