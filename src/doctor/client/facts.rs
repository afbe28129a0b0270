//! What is known of the clients on this machine: plain facts, which the checks judge.

use std::{collections::BTreeMap, path::PathBuf};

use super::{command::Command, version::Version};
use crate::{
    claude_code::settings::{Scope, Setting, Settings},
    config::Config,
    doctor::key_life::KeyLife,
    secret::Secret,
};

/// What is known of the clients on this machine.
#[derive(Debug, Default)]
pub(super) struct Facts<'a> {
    /// The settings of Claude Code.
    pub(super) settings: Settings,
    /// The environment of this process, which stands for that of a client. Values may be secrets.
    pub(super) environment: BTreeMap<String, Secret>,
    /// The configuration of Claviger; `None` if there is none that is valid.
    pub(super) config: Option<&'a Config>,
    /// How long keys are valid, by profile, where the daemon knows it.
    pub(super) lives: BTreeMap<String, KeyLife>,
    /// The directory of this program, links followed.
    pub(super) own_directory: Option<PathBuf>,
    /// The programs that the clients run, by the name in the settings.
    pub(super) programs: BTreeMap<String, Program>,
    /// Managed files that another user can write: the file, and what is wrong.
    pub(super) unsafe_managed: Vec<String>,
    /// Logins of Claude Code itself: the files, and the keys in them. No value is read.
    pub(super) logins: Vec<String>,
    /// Whether there is anything of Claude Code's: settings, a program, or the user's directory.
    pub(super) has_claude_code: bool,
    /// The version of Claude Code, and its file.
    pub(super) version: Option<(Version, PathBuf)>,
    /// The settings of Windows, seen from WSL; `None` on other systems, or if there are none.
    pub(super) windows_settings: Option<WindowsSettings>,
    /// The `config.toml` of Codex.
    pub(super) codex: Option<(PathBuf, String)>,
    /// The `models.json` of pi. It may contain keys.
    pub(super) pi: Option<(PathBuf, Secret)>,
}

/// A program that a client runs for its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Program {
    /// Its file; `None` if there is none.
    pub(super) file: Option<PathBuf>,
    /// Whether the user may execute it.
    pub(super) is_executable: bool,
    /// Its directory, links followed.
    pub(super) directory: Option<PathBuf>,
    /// Why another user could have written it.
    pub(super) violation: Option<String>,
    /// What it is if it is a script that runs the shim.
    pub(super) script: Option<Script>,
}

/// A script that runs the shim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    /// Whether the shim replaces the script's process.
    pub(super) uses_exec: bool,
    /// Whether it writes `Bearer` itself.
    pub(super) adds_bearer: bool,
}

/// The managed settings of Windows, seen from WSL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WindowsSettings {
    /// The file.
    pub(super) file: PathBuf,
    /// Whether it has `wslInheritsWindowsSettings`.
    pub(super) are_inherited: bool,
}

/// A variable as the client sees it.
#[derive(Clone, Debug)]
pub(super) struct Variable<'a> {
    /// Whose settings set it; `None` if it is in the environment.
    pub(super) scope: Option<Scope>,
    /// The file and key, or the environment, for messages.
    pub(super) place: String,
    /// Its value, which may be a secret.
    pub(super) value: &'a Secret,
}

impl Facts<'_> {
    /// The variable as the client sees it. Settings precede the environment. An empty value counts
    /// as none, and hides those that it precedes.
    pub(super) fn variable(&self, name: &str) -> Option<Variable<'_>> {
        let in_settings = self.settings.variable(name).next();
        let found = in_settings.map(|setting| Variable {
            scope: Some(setting.scope),
            place: place(&setting, &format!("env.{name}")),
            value: setting.value,
        });
        found
            .or_else(|| self.of_environment(name))
            .filter(|variable| !variable.value.expose().trim().is_empty())
    }

    /// The variable of the environment.
    pub(super) fn of_environment(&self, name: &str) -> Option<Variable<'_>> {
        self.environment.get(name).map(|value| Variable {
            scope: None,
            place: format!("environment: {name}"),
            value,
        })
    }

    /// The helper that Claude Code runs, and its command.
    pub(super) fn helper(&self) -> Option<(Setting<'_>, Command)> {
        let helper = self.settings.helpers().next()?;
        Some((helper, Command::parse(helper.value.expose())))
    }

    /// The script that a command runs, if it runs the shim.
    pub(super) fn script(&self, command: &Command) -> Option<Script> {
        match command {
            Command::Other {
                program: Some(program),
            } => self.programs.get(program)?.script,
            _ => None,
        }
    }

    /// Whether a command runs the shim in any way.
    pub(super) fn runs_shim(&self, command: &Command) -> bool {
        !matches!(command, Command::Other { .. }) || self.script(command).is_some()
    }

    /// What to do: `fix`, or to ask the administrator for it, whose settings these are.
    pub(super) fn remedy(&self, scope: Option<Scope>, fix: &str) -> String {
        if scope != Some(Scope::Managed) {
            return fix.to_owned();
        }
        let administrator = self.config.and_then(Config::ask_administrator);
        let ask = administrator.unwrap_or_else(|| "ask your administrator".to_owned());
        format!("{ask}, to {fix}")
    }
}

/// A file and a key in it, for messages.
pub(super) fn place(setting: &Setting<'_>, key: &str) -> String {
    format!("{}: {key}", setting.file.display())
}
