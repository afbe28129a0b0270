//! The servers and clients that the tests run. `tests/tools` installs them.

use std::path::{Path, PathBuf};

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

/// A TCP port on 127.0.0.1 that was free a moment ago. The kernel does not assign the same port
/// again at once.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
