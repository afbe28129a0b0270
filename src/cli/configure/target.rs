//! The settings file that is written, and its receipt.

use std::{
    env,
    fmt::Display,
    path::{Path, PathBuf},
};

use claviger_wire::{ExitCode, Failure};
use similar::TextDiff;

use crate::{
    claude_code::places as claude_code,
    cli::{
        CliError,
        places::{self, DaemonPlaces},
    },
    client_kind::ClientKind,
    configure::{self, Directories, Receipt, Receipts},
    paths::Starter,
    settings_file::{SettingsError, SettingsFile, Syntax},
};

/// The lines around a change in a diff.
const CONTEXT: usize = 3;

/// A client's settings file.
pub(super) struct Target {
    client: ClientKind,
    pub(super) file: SettingsFile,
    pub(super) receipts: Receipts,
}

impl Target {
    /// The file of the user's own, or of `project`; `None` if the client has none.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] for a project of a client that has no settings there, and those of
    /// [`SettingsFile::read`].
    pub(super) fn find(
        client: ClientKind,
        project: Option<&Path>,
    ) -> Result<Option<Self>, CliError> {
        let places = places::of(Starter::Client)?;
        let found = match project {
            Some(project) => Some((project_file(client, project)?, Syntax::Json)),
            None => user_file(client, &places),
        };
        let Some((path, syntax)) = found else {
            return Ok(None);
        };
        let state_dir = places.places.state_dir().ok_or_else(|| {
            let hint = "set HOME";
            Failure::new(ExitCode::Usage, "your home directory is unknown", hint)
        })?;
        Ok(Some(Self {
            client,
            file: SettingsFile::read(&path, syntax).map_err(|error| of_file(&error))?,
            receipts: Receipts::new(&state_dir),
        }))
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// The receipt for the file, if it was written before.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] if it cannot be read.
    pub(super) fn receipt(&self) -> Result<Option<Receipt>, CliError> {
        let receipt = self.receipts.get(self.client.name(), self.path());
        receipt.map_err(|error| failed(&error))
    }

    /// The change from the file to `text`, as `diff -u` prints it.
    pub(super) fn diff(&self, text: &str) -> String {
        let path = self.path().display().to_string();
        TextDiff::from_lines(self.file.text(), text)
            .unified_diff()
            .context_radius(CONTEXT)
            .header(&path, &path)
            .to_string()
    }
}

/// The user's own settings file of a client, with the home directory that the client sees.
pub(super) fn user_file(client: ClientKind, places: &DaemonPlaces) -> Option<(PathBuf, Syntax)> {
    let home = env::home_dir().or_else(|| Some(places.account.as_ref()?.home.clone()))?;
    let directories = Directories {
        home: &home,
        variable: &|name| env::var_os(name),
    };
    configure::file(client, &directories)
}

fn project_file(client: ClientKind, project: &Path) -> Result<PathBuf, CliError> {
    if client != ClientKind::ClaudeCode {
        let problem = format!(
            "'{}' has no settings of a project for its key",
            client.name()
        );
        let hint = "leave --project out";
        return Err(Failure::new(ExitCode::Usage, problem, hint).into());
    }
    if !project.is_dir() {
        let problem = format!("'{}' is not a directory", project.display());
        return Err(Failure::new(ExitCode::Usage, problem, "name the project's directory").into());
    }
    let project = std::path::absolute(project).unwrap_or_else(|_| project.to_owned());
    // The second one is not part of the repository: a path of this machine belongs there.
    let [_, local] = claude_code::project_settings(&project);
    Ok(local)
}

/// A file of settings that cannot be used.
pub(super) fn of_file(error: &SettingsError) -> CliError {
    let (code, hint) = match error {
        SettingsError::OtherOwner(_) => (ExitCode::Denied, "run the command as that user"),
        SettingsError::Syntax { .. } => (ExitCode::Usage, "correct the file"),
        SettingsError::Changed(_) => (ExitCode::Usage, "try again"),
        SettingsError::Io { .. } => (ExitCode::Usage, "check the file and its directory"),
    };
    Failure::new(code, error.to_string(), hint).into()
}

/// An error about the receipt.
pub(super) fn failed(error: &impl Display) -> CliError {
    let hint = "check the file and its directory";
    Failure::new(ExitCode::Usage, error.to_string(), hint).into()
}
