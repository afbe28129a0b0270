//! Where the servers are that the tests run. `tests/tools` puts them there.

use std::path::{Path, PathBuf};

/// The program `name`: in `CLAVIGER_TEST_TOOLS`, or else in `target/tools/bin`.
///
/// # Panics
///
/// Where it is in neither.
pub(crate) fn tool(name: &str) -> PathBuf {
    let directory = std::env::var_os("CLAVIGER_TEST_TOOLS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin"),
        PathBuf::from,
    );
    let tool = directory.join(name);
    assert!(
        tool.exists(),
        "{} is not there: run tests/run, which installs it",
        tool.display()
    );
    tool
}

/// A TCP port on 127.0.0.1 that was free a moment ago. The kernel does not hand out the same one again at once.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
