//! The claviger-helper that the demo runs.

use std::{
    env,
    io::{self, Write as _},
    path::PathBuf,
    process::Stdio,
};

use tokio::process::Command;

use super::error::DemoError;

/// Returns the path of the claviger-helper beside this program.
///
/// Under `cargo run`, which builds only this program, cargo builds the helper first.
///
/// # Errors
///
/// Fails if cargo cannot build it, or if there is none.
pub(super) async fn find_or_build() -> Result<PathBuf, DemoError> {
    let own = env::current_exe()?;
    let directory = own.parent().ok_or("this program is in no directory")?;
    let helper = directory
        .join("claviger-helper")
        .with_extension(env::consts::EXE_EXTENSION);
    if let (Some(cargo), Some(target)) = (env::var_os("CARGO"), directory.parent()) {
        if !helper.exists() {
            writeln!(
                io::stdout(),
                "building claviger-helper, which cargo run does not, ..."
            )?;
        }
        let mut build = Command::new(cargo);
        build.args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "claviger-helper",
        ]);
        build.args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ]);
        build.arg("--target-dir").arg(target);
        if directory.ends_with("release") {
            build.arg("--release");
        }
        let status = build.stdin(Stdio::null()).status().await?;
        if !status.success() {
            return Err("cargo failed to build claviger-helper".into());
        }
    }
    if helper.exists() {
        Ok(helper)
    } else {
        Err(format!("'{}' not found", helper.display()).into())
    }
}
