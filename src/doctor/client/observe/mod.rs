//! Observing the clients: their files, variables and programs.

mod claude_code;
mod file;
mod program;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use super::{
    callers,
    command::Command,
    copilot,
    facts::{Facts, Program, WindowsSettings},
};
use crate::{
    claude_code::{
        places::{MANAGED_FILE, managed_directory},
        settings::{DIRECTORY_VARIABLE, Layer, Scope, Settings, SettingsPlaces},
        variables::{BASE_URL, BYPASSES, CACHE_LIFETIME},
    },
    client_kind::ClientKind,
    configure::{self, Directories},
    doctor::Context,
    secret::Secret,
    trust::{ManagedOwner, TrustError},
};

/// The managed settings of Windows, as WSL shows them.
const WINDOWS_MANAGED: &str = "/mnt/c/Program Files/ClaudeCode";

/// The file in which a kernel of WSL names itself.
const KERNEL_RELEASE: &str = "/proc/sys/kernel/osrelease";

/// Observes the clients of this user, with the environment and the directory of this process, which
/// stand for those of a client.
pub(super) fn observe<'a>(context: &Context<'a>) -> Facts<'a> {
    let home = env::var_os("HOME")
        .filter(|_| cfg!(unix))
        .map(PathBuf::from);
    let home = home.or_else(|| Some(context.account?.home.clone()));
    let directory = env::var_os(DIRECTORY_VARIABLE).filter(|directory| !directory.is_empty());
    let directory = directory.map(PathBuf::from);
    let windows_settings = windows_settings();
    let mut managed = vec![managed_directory()];
    if windows_settings
        .as_ref()
        .is_some_and(|windows| windows.are_inherited)
    {
        managed.push(WINDOWS_MANAGED.into());
    }
    let settings = Settings::read(&SettingsPlaces {
        managed,
        home: home.clone(),
        directory: directory.clone(),
        project: env::current_dir().ok(),
    });
    let own = env::current_exe().and_then(fs::canonicalize).ok();
    let mut facts = Facts {
        environment: environment(),
        config: context.config.ok(),
        own_directory: own.and_then(|own| Some(own.parent()?.to_owned())),
        unsafe_managed: unsafe_managed(&settings),
        windows_settings,
        version: claude_code::version(home.as_deref()),
        ..Facts::default()
    };
    if let Some(home) = &home {
        facts.logins = claude_code::logins(home, directory.as_deref());
        facts.codex = own_settings(ClientKind::Codex, home)
            .map(|(file, text)| (file, text.expose().to_owned()));
        facts.pi = own_settings(ClientKind::Pi, home);
    }
    let has_files = !facts.logins.is_empty() || !settings.layers.is_empty();
    facts.has_claude_code = has_files || facts.version.is_some();
    facts.settings = settings;
    facts.programs = programs(&facts, home.as_deref());
    facts
}

/// The variables that the checks look at.
fn environment() -> BTreeMap<String, Secret> {
    let names = [BASE_URL, CACHE_LIFETIME, "CLAVIGER_PROFILE"].into_iter();
    let names = names.chain([copilot::COMMAND, copilot::BASE_URL]);
    let names = names.chain(BYPASSES.iter().map(|bypass| bypass.name));
    names
        .filter_map(|name| Some((name.to_owned(), Secret::new(env::var(name).ok()?))))
        .collect()
}

/// Why other users could have written a managed file.
fn unsafe_managed(settings: &Settings) -> Vec<String> {
    let managed = settings
        .layers
        .iter()
        .filter(|layer| layer.scope == Scope::Managed);
    let owner = ManagedOwner::of_this_machine();
    let violations = managed.filter_map(|layer| match owner.open(&layer.file) {
        Err(TrustError::Violation(violation)) => Some(violation.to_string()),
        Err(TrustError::Io(_)) | Ok(_) => None,
    });
    let mut violations: Vec<_> = violations.collect();
    violations.dedup();
    violations
}

fn windows_settings() -> Option<WindowsSettings> {
    let release = fs::read_to_string(KERNEL_RELEASE).ok()?;
    if !release.to_ascii_lowercase().contains("microsoft") {
        return None;
    }
    let directory = PathBuf::from(WINDOWS_MANAGED);
    let file = directory.join(MANAGED_FILE);
    let settings = Settings::read(&SettingsPlaces {
        managed: vec![directory],
        ..SettingsPlaces::default()
    });
    let mut layers = settings.layers.iter();
    let inherits = |layer: &Layer| {
        let contents = layer.contents.as_ref();
        contents.is_ok_and(|contents| contents.inherits_windows)
    };
    let are_inherited = layers.any(inherits);
    (!settings.layers.is_empty()).then_some(WindowsSettings {
        file,
        are_inherited,
    })
}

/// The settings file of a client with its text, if it can be read.
fn own_settings(client: ClientKind, home: &Path) -> Option<(PathBuf, Secret)> {
    let directories = Directories {
        home,
        variable: &|name| env::var_os(name),
    };
    let (path, _) = configure::file(client, &directories)?;
    let text = file::read(&path)?;
    Some((path, text))
}

/// The programs that the clients run.
fn programs(facts: &Facts<'_>, home: Option<&Path>) -> BTreeMap<String, Program> {
    let callers = callers::all(facts).into_iter();
    callers
        .filter_map(|caller| match caller.command {
            Command::Shim(shim) => Some(shim.program),
            Command::Other { program } => program,
            Command::Unquoted { .. } | Command::Inline { .. } => None,
        })
        .map(|program| {
            let found = program::observe(&program, home);
            (program, found)
        })
        .collect()
}
