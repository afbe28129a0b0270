//! Observing Claude Code's program and its own logins.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::IgnoredAny};

use super::{super::version::Version, file::read};

/// The start of the names of the packages of npm that contain Claude Code.
const PACKAGE: &str = "@anthropic-ai/claude-code";

/// How many directories above the program its package may be.
const PACKAGE_DEPTH: usize = 3;

/// The keys of `.claude.json` that stand for a login.
const LOGIN_KEYS: [&str; 2] = ["oauthAccount", "primaryApiKey"];

/// The name and version of a package.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// The version of the Claude Code on `PATH` or in the user's directory, and its file. The program
/// is not run: its installer puts the version into the file's name, and npm into a file beside it.
pub(super) fn version(home: Option<&Path>) -> Option<(Version, PathBuf)> {
    let path = env::var_os("PATH").unwrap_or_default();
    let of_user = home.map(|home| home.join(".local/bin"));
    let name = Path::new("claude").with_extension(env::consts::EXE_EXTENSION);
    let mut programs = env::split_paths(&path).chain(of_user);
    let program = programs.find_map(|directory| fs::canonicalize(directory.join(&name)).ok())?;
    let of_name = program
        .file_name()
        .and_then(|name| Version::parse(name.to_str()?));
    let version = of_name.or_else(|| {
        let above = program.ancestors().skip(1).take(PACKAGE_DEPTH);
        { above }.find_map(of_package)
    })?;
    Some((version, program))
}

fn of_package(directory: &Path) -> Option<Version> {
    let text = read(&directory.join("package.json"))?;
    let package: Package = serde_json::from_str(text.expose()).ok()?;
    let is_own = package.name.starts_with(PACKAGE);
    Version::parse(&package.version).filter(|_| is_own)
}

/// The logins of Claude Code below `home`, or in the `directory` that the user has chosen: files,
/// and keys in them. The values are skipped.
pub(super) fn logins(home: &Path, directory: Option<&Path>) -> Vec<String> {
    let mut logins = Vec::new();
    let state = directory.unwrap_or(home).join(".claude.json");
    let text = read(&state);
    let keys = text
        .and_then(|text| serde_json::from_str::<BTreeMap<String, IgnoredAny>>(text.expose()).ok());
    let keys = keys.unwrap_or_default();
    let found = LOGIN_KEYS.into_iter().filter(|key| keys.contains_key(*key));
    logins.extend(found.map(|key| format!("{}: {key}", state.display())));
    let own = home.join(".claude");
    let credentials = directory.unwrap_or(&own).join(".credentials.json");
    if credentials.is_file() {
        logins.push(credentials.display().to_string());
    }
    logins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_above_the_program_says_its_version() {
        for (text, expected) in [
            (
                r#"{"name": "@anthropic-ai/claude-code-linux-x64", "version": "2.1.329"}"#,
                Some(Version(2, 1, 329)),
            ),
            (r#"{"name": "another", "version": "2.1.329"}"#, None),
            ("{", None),
        ] {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("package.json"), text).unwrap();
            assert_eq!(of_package(directory.path()), expected, "{text}");
        }
    }

    #[test]
    fn logins_are_named_by_their_keys() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(logins(home.path(), None), [""; 0]);
        let text = r#"{"numStartups": 3, "primaryApiKey": "sk-canary"}"#;
        fs::write(home.path().join(".claude.json"), text).unwrap();
        fs::create_dir(home.path().join(".claude")).unwrap();
        fs::write(home.path().join(".claude/.credentials.json"), "sk-canary").unwrap();
        let other = home.path().join(".claude");
        let elsewhere = logins(home.path(), Some(&other));
        assert_eq!(elsewhere.len(), 1, "{elsewhere:?}");
        let logins = logins(home.path(), None);
        assert!(
            logins[0].ends_with(".claude.json: primaryApiKey"),
            "{logins:?}"
        );
        assert!(logins[1].ends_with(".credentials.json"), "{logins:?}");
        assert!(!logins.concat().contains("canary"));
    }
}
