//! Links the shim with libgcc's archive where there would be its shared library, which is not needed but for a panic's
//! backtrace: loading it takes longer than asking the daemon does, and the shim is started for every call.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        // As a whole: std asks for the shared one only where something is missing yet.
        println!("cargo::rustc-link-lib=static:+whole-archive,-bundle=gcc_eh");
    }
}
