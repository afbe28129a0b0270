//! Claude Code's settings as they are on this machine: which files there are, what they contain,
//! and which value is in force.
//!
//! Measured with 2.1.329 on Linux: managed settings precede the project's local ones, those the
//! project's, and those the user's; any of them precedes a variable of the environment. Only files
//! are read: a policy of Windows, a preference domain of macOS and what a server distributes are
//! not seen.

mod file;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) use self::file::{Contents, FileError};
use super::places::{MANAGED_DROP_INS, MANAGED_FILE, project_settings, user_settings};
use crate::secret::Secret;

/// The variable that names the directory of the user's settings, logins and sessions.
pub(crate) const DIRECTORY_VARIABLE: &str = "CLAUDE_CONFIG_DIR";

/// Whose settings a file contains. The order is that of precedence: later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// The user's own, for every project.
    User,
    /// A project's, which its repository contains.
    Project,
    /// The user's own for a project.
    ProjectLocal,
    /// The administrator's.
    Managed,
}

/// The places of settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct SettingsPlaces {
    /// Directories of managed settings. Later ones win.
    pub(crate) managed: Vec<PathBuf>,
    /// The user's home directory.
    pub(crate) home: Option<PathBuf>,
    /// The directory that [`DIRECTORY_VARIABLE`] names.
    pub(crate) directory: Option<PathBuf>,
    /// The directory that the client is started in.
    pub(crate) project: Option<PathBuf>,
}

/// One file of settings that exists.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Whose settings it contains.
    pub(crate) scope: Scope,
    /// Its path.
    pub(crate) file: PathBuf,
    /// What it contains, or why the client uses none of it.
    pub(crate) contents: Result<Contents, FileError>,
}

/// A value, and the file that it comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    /// Whose settings the file contains.
    pub(crate) scope: Scope,
    /// The file.
    pub(crate) file: &'a Path,
    /// The value, which may be or contain a secret.
    pub(crate) value: &'a Secret,
}

/// All settings that exist, in the order of precedence: the last one wins.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// One for each file.
    pub(crate) layers: Vec<Layer>,
}

impl Settings {
    /// Reads the settings at these places.
    pub(crate) fn read(places: &SettingsPlaces) -> Self {
        let mut files: Vec<(Scope, PathBuf)> = Vec::new();
        let named = places.directory.as_ref();
        let named = named.map(|directory| directory.join("settings.json"));
        let user = named.or_else(|| Some(user_settings(places.home.as_ref()?)));
        if let Some(project) = &places.project {
            let scopes = [Scope::Project, Scope::ProjectLocal];
            let of_project = scopes.into_iter().zip(project_settings(project));
            // In the home directory the user's own settings have the name of a project's.
            files.extend(of_project.filter(|(_, file)| user.as_ref() != Some(file)));
        }
        files.splice(..0, user.map(|user| (Scope::User, user)));
        for directory in &places.managed {
            let managed = managed_files(directory).into_iter();
            files.extend(managed.map(|file| (Scope::Managed, file)));
        }
        let layers = files.into_iter().filter_map(|(scope, file)| {
            let contents = file::read(&file, scope == Scope::Managed)?;
            Some(Layer {
                scope,
                file,
                contents,
            })
        });
        Self {
            layers: layers.collect(),
        }
    }

    /// The commands of `apiKeyHelper`: the one in force is the first.
    pub(crate) fn helpers(&self) -> impl Iterator<Item = Setting<'_>> {
        self.values(|contents| contents.helper.as_ref())
    }

    /// The values of a variable in the blocks `env`: the one in force is the first.
    pub(crate) fn variable(&self, name: &str) -> impl Iterator<Item = Setting<'_>> {
        self.values(move |contents| contents.variables.get(name))
    }

    /// Those values that `get` finds: the one in force is the first.
    pub(crate) fn values<'a>(
        &'a self,
        get: impl Fn(&'a Contents) -> Option<&'a Secret>,
    ) -> impl Iterator<Item = Setting<'a>> {
        let layers = self.layers.iter().rev();
        layers.filter_map(move |layer| {
            Some(Setting {
                scope: layer.scope,
                file: &layer.file,
                value: get(layer.contents.as_ref().ok()?)?,
            })
        })
    }
}

/// The managed file of `directory`, and then its drop-ins. They need not exist.
fn managed_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.join(MANAGED_DROP_INS));
    let entries = entries.into_iter().flatten().filter_map(Result::ok);
    let mut drop_ins: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    drop_ins.sort();
    drop_ins.insert(0, directory.join(MANAGED_FILE));
    drop_ins
}

#[cfg(test)]
mod tests;
