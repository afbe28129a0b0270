//! The servers and clients that the tests run. `tests/tools` installs them.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// The ports of [`free_port`], below those that Linux assigns (32768 to 60999).
const FIRST_PORT: u16 = 20_000;
const PORTS: u32 = 12_000;

/// The path of the program `name`, in the directory `CLAVIGER_TEST_TOOLS` or else in
/// `target/tools/bin`.
///
/// # Panics
///
/// Panics if it does not exist.
pub(crate) fn tool(name: &str) -> PathBuf {
    let directory = std::env::var_os("CLAVIGER_TEST_TOOLS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin"),
        PathBuf::from,
    );
    let tool = directory.join(name);
    assert!(
        tool.exists(),
        "{} not found: run tests/run, which installs it",
        tool.display()
    );
    tool
}

/// A TCP port on 127.0.0.1 that is free, and that no other caller in this process gets. The kernel
/// assigns none of this range by itself, neither to a listener nor to a connection.
pub(crate) fn free_port() -> u16 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    loop {
        // Another test process starts elsewhere.
        let offset = std::process::id() * 97 + CALLS.fetch_add(1, Ordering::Relaxed);
        let port = FIRST_PORT + u16::try_from(offset % PORTS).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
