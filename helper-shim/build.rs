//! Links the shim with libgcc's archive instead of its shared library, which only a panic's
//! backtrace needs: loading that is slower than a request to the daemon, and the shim starts for
//! every call.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        // As a whole: std links the shared library only if a symbol is still missing.
        println!("cargo::rustc-link-lib=static:+whole-archive,-bundle=gcc_eh");
    }
}
