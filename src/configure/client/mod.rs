//! The place of each client's settings, and which of them make it run the helper.

mod claude_code;
mod codex;
mod copilot;
mod hermes;
mod pi;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{client_kind::ClientKind, settings_file::Syntax, shell_word::shell_word};

/// The program's name, by which a helper of Claviger's is known.
const PROGRAM: &str = "claviger-helper";

/// One value in a client's settings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    /// The key, from the root.
    pub(crate) path: Vec<String>,
    /// Its value.
    pub(crate) value: Value,
}

/// The helper that a client is to run, and the gateway that its key is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Helper<'a> {
    /// The shim.
    pub(crate) program: &'a str,
    /// The client that runs it.
    pub(crate) client: ClientKind,
    /// The profile, if it is named.
    pub(crate) profile: Option<&'a str>,
    /// The gateway's URL, without a slash at its end.
    pub(crate) gateway: &'a str,
}

/// What a client's environment says about its directories.
pub(crate) struct Directories<'a> {
    /// The user's home directory.
    pub(crate) home: &'a Path,
    /// Its variables.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Directories<'_> {
    /// The directory in `variable` or else `default` in the home directory.
    fn get(&self, variable: &str, default: &str) -> PathBuf {
        let named = (self.variable)(variable).filter(|value| !value.is_empty());
        named.map_or_else(|| self.home.join(default), PathBuf::from)
    }
}

impl Helper<'_> {
    /// The arguments behind the program.
    fn args(&self) -> Vec<&str> {
        let client = match self.client {
            // The shim's default.
            ClientKind::ClaudeCode => None,
            other => Some(other.name()),
        };
        let client = client.into_iter().flat_map(|name| ["--client", name]);
        let profile = self.profile.into_iter();
        client
            .chain(profile.flat_map(|name| ["--profile", name]))
            .collect()
    }

    /// The command line, for a client that runs it by a shell.
    fn command_line(&self) -> String {
        let words = [self.program].into_iter().chain(self.args());
        let words: Vec<_> = words.map(shell_word).collect();
        words.join(" ")
    }

    /// [`Self::command_line`], with which the shim replaces the shell if that is one of Unix.
    fn shell_command(&self) -> String {
        let exec = if cfg!(windows) { "" } else { "exec " };
        format!("{exec}{}", self.command_line())
    }

    /// The gateway's URL for a client that appends the path of an endpoint of OpenAI's API.
    fn openai_url(&self) -> String {
        let root = self.gateway.strip_suffix("/v1").unwrap_or(self.gateway);
        format!("{root}/v1")
    }
}

/// The user's own settings file of a client, which may not exist; `None` for a client that has
/// none.
pub(crate) fn file(client: ClientKind, directories: &Directories<'_>) -> Option<(PathBuf, Syntax)> {
    match client {
        ClientKind::ClaudeCode => Some((claude_code::file(directories), Syntax::Json)),
        ClientKind::Codex => Some((codex::file(directories), Syntax::Toml)),
        ClientKind::Pi => Some((pi::file(directories), Syntax::Json)),
        ClientKind::Hermes => Some((hermes::file(directories), Syntax::Yaml)),
        ClientKind::ClaudeDesktop | ClientKind::Copilot | ClientKind::Exec => None,
    }
}

/// What has to be in that file.
pub(crate) fn settings(helper: &Helper<'_>) -> Vec<Setting> {
    match helper.client {
        ClientKind::ClaudeCode => claude_code::settings(helper),
        ClientKind::Codex => codex::settings(helper),
        ClientKind::Pi => pi::settings(helper),
        ClientKind::Hermes => hermes::settings(helper),
        ClientKind::ClaudeDesktop | ClientKind::Copilot | ClientKind::Exec => Vec::new(),
    }
}

/// The variables that make a client run the helper that has no settings file for it.
pub(crate) fn environment(helper: &Helper<'_>) -> Vec<(&'static str, String)> {
    match helper.client {
        ClientKind::Copilot => copilot::environment(helper),
        _ => Vec::new(),
    }
}

/// Whether a value of a client's settings names Claviger's shim.
pub(crate) fn names_helper(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains(PROGRAM))
}

/// Whether the settings of a client name a helper and, if they do, whether it is Claviger's.
pub(crate) fn runs_helper(
    client: ClientKind,
    get: impl Fn(&[String]) -> Option<Value>,
) -> Option<bool> {
    let key = match client {
        ClientKind::ClaudeCode => claude_code::HELPER,
        ClientKind::Codex => codex::HELPER,
        ClientKind::Pi => pi::HELPER,
        ClientKind::Hermes => hermes::HELPER,
        ClientKind::ClaudeDesktop | ClientKind::Copilot | ClientKind::Exec => return None,
    };
    get(&path(key)).map(|value| names_helper(&value))
}

fn path(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

fn setting(keys: &[&str], value: impl Into<Value>) -> Setting {
    Setting {
        path: path(keys),
        value: value.into(),
    }
}
