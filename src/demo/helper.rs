//! The claviger-helper that the demo runs.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use super::error::DemoError;

/// The variable in which `cargo run` names the source tree. The path is not compiled in: a package is
/// the same wherever it was built.
const SOURCE_TREE: &str = "CARGO_MANIFEST_DIR";

/// Returns the path of the claviger-helper beside this program.
///
/// Under `cargo run`, which builds only this program, cargo builds the helper first. An installed
/// program runs no cargo: whatever sets `CARGO` there does not mean this.
///
/// # Errors
///
/// Fails if cargo cannot build it, or if there is none.
pub(super) async fn find_or_build() -> Result<PathBuf, DemoError> {
    let own = env::current_exe().map_err(|error| {
        let hint = "start it by its full path";
        DemoError::machine(format!("cannot find this program's file: {error}"), hint)
    })?;
    let directory = own.parent().unwrap_or(Path::new(""));
    let helper = directory
        .join("claviger-helper")
        .with_extension(env::consts::EXE_EXTENSION);
    let tree = env::var_os(SOURCE_TREE).map(PathBuf::from);
    let target = tree
        .as_deref()
        .and_then(|tree| target_directory(&own, tree));
    if let (Some(cargo), Some(tree), Some(target)) = (env::var_os("CARGO"), &tree, target) {
        if !helper.exists() {
            writeln!(
                io::stdout(),
                "building claviger-helper, which cargo run does not, ..."
            )?;
        }
        build(cargo, tree, target, directory.ends_with("release")).await?;
    }
    if helper.exists() {
        return Ok(helper);
    }
    let problem = format!("'{}' not found", helper.display());
    let hint = format!(
        "install claviger-helper in '{}', beside claviger",
        directory.display()
    );
    Err(DemoError::machine(problem, hint))
}

/// The target directory if `program` was built in `source_tree` and has not left it: it lies in
/// `TARGET/debug` or `TARGET/release` there, and the tree is still that of Claviger.
fn target_directory<'a>(program: &'a Path, source_tree: &Path) -> Option<&'a Path> {
    let directory = program.parent()?;
    let is_profile = directory.ends_with("debug") || directory.ends_with("release");
    let target = directory.parent().filter(|_| is_profile)?;
    let real_tree = fs::canonicalize(source_tree).ok()?;
    let real_target = fs::canonicalize(target).ok()?;
    let is_below = real_target != real_tree && real_target.starts_with(&real_tree);
    let manifest = fs::read_to_string(real_tree.join("Cargo.toml")).ok()?;
    let is_own = manifest.lines().any(|line| line == "name = \"claviger\"");
    (is_below && is_own).then_some(target)
}

async fn build(
    cargo: OsString,
    tree: &Path,
    target: &Path,
    is_release: bool,
) -> Result<(), DemoError> {
    let mut build = Command::new(&cargo);
    build.args([
        "build",
        "--quiet",
        "--locked",
        "--package",
        "claviger-helper",
    ]);
    build.arg("--manifest-path").arg(tree.join("Cargo.toml"));
    build.arg("--target-dir").arg(target);
    if is_release {
        build.arg("--release");
    }
    let status = build.stdin(Stdio::null()).kill_on_drop(true).status().await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(DemoError::machine(
            "cargo failed to build claviger-helper",
            "see cargo's messages above",
        )),
        Err(error) => Err(DemoError::machine(
            format!("cannot run '{}': {error}", cargo.display()),
            "correct 'CARGO', or unset it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_in_its_source_tree_has_a_target_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let tree = path("tree");
        for made in [
            "tree/target/debug",
            "tree/target/x86/release",
            "tree/bin",
            "bin",
            "debug",
        ] {
            fs::create_dir_all(path(made)).unwrap();
        }
        let target = |program: &str| {
            let program = path(program);
            target_directory(&program, &tree).map(Path::to_owned)
        };
        let inside = "tree/target/debug/claviger";
        assert_eq!(target(inside), None, "without a manifest");
        fs::write(path("tree/Cargo.toml"), "name = \"other\"\n").unwrap();
        assert_eq!(target(inside), None, "another project");
        fs::write(path("tree/Cargo.toml"), "[package]\nname = \"claviger\"\n").unwrap();
        assert_eq!(target(inside), Some(path("tree/target")));
        let cross = "tree/target/x86/release/claviger";
        assert_eq!(target(cross), Some(path("tree/target/x86")));
        for outside in [
            "bin/claviger",
            "debug/claviger",
            "tree/bin/claviger",
            "tree/target/claviger",
        ] {
            assert_eq!(target(outside), None, "{outside}");
        }
        assert_eq!(target_directory(&path(inside), &path("gone")), None);
    }
}
