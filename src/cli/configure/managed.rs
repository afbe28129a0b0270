//! What decides about a client's key beside the file that is written.

use std::path::Path;

use claviger_wire::{ExitCode, Failure};

use super::target::{Target, of_file};
use crate::{
    claude_code::{
        places::managed_directory,
        settings::{Settings, SettingsPlaces},
        variables::BYPASSES,
    },
    cli::CliError,
    client_kind::ClientKind,
    configure,
};

/// Checks that no managed settings name another helper, which a user's own would not replace.
///
/// # Errors
///
/// [`ExitCode::Denied`].
pub(super) fn check(client: ClientKind) -> Result<(), CliError> {
    if client != ClientKind::ClaudeCode {
        return Ok(());
    }
    let Some((file, is_own)) = managed_helper(&managed_directory()) else {
        return Ok(());
    };
    let problem = match is_own {
        true => "already run claviger-helper",
        false => "name another helper, which your own settings do not replace",
    };
    let problem = format!("the managed settings in '{file}' {problem}");
    let hint = match is_own {
        true => "change nothing; claviger status shows what clients get",
        false => "ask the administrator of this machine",
    };
    Err(Failure::new(ExitCode::Denied, problem, hint).into())
}

/// The managed settings file that names a helper, and whether that is Claviger's.
fn managed_helper(directory: &Path) -> Option<(String, bool)> {
    let settings = Settings::read(&SettingsPlaces {
        managed: vec![directory.to_owned()],
        ..SettingsPlaces::default()
    });
    let helper = settings.helpers().next()?;
    let is_own = configure::names_helper(&helper.value.expose().into());
    Some((helper.file.display().to_string(), is_own))
}

/// What else is in the file that gets round the helper.
///
/// # Errors
///
/// Those of [`SettingsFile::document`](crate::settings_file::SettingsFile::document).
pub(super) fn conflicts(client: ClientKind, target: &Target) -> Result<Vec<String>, CliError> {
    if client != ClientKind::ClaudeCode {
        return Ok(Vec::new());
    }
    let document = target.file.document().map_err(|error| of_file(&error))?;
    let is_set = |name: &str| {
        let value = document.get(&["env".to_owned(), name.to_owned()]);
        value.is_some_and(|value| value.as_str().is_none_or(|text| !text.is_empty()))
    };
    let set = BYPASSES.iter().filter(|bypass| is_set(bypass.name));
    let advice = set.map(|bypass| {
        let name = bypass.name;
        format!("remove 'env.{name}' from the file: it gets round the helper")
    });
    Ok(advice.collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::claude_code::places::MANAGED_FILE;

    #[test]
    fn the_last_managed_file_with_a_helper_decides() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        assert_eq!(managed_helper(dir.path()), None);
        let file = write(MANAGED_FILE, r#"{"apiKeyHelper": "/opt/other"}"#);
        assert_eq!(managed_helper(dir.path()), Some((file.clone(), false)));
        write("managed-settings.d/20-model.json", r#"{"model": "opus"}"#);
        write("managed-settings.d/30-broken.json", "{");
        write("managed-settings.d/40.txt", r#"{"apiKeyHelper": "/opt/b"}"#);
        assert_eq!(managed_helper(dir.path()), Some((file, false)));
        let own = write(
            "managed-settings.d/10-key.json",
            r#"{"apiKeyHelper": "exec '/usr/bin/claviger-helper'"}"#,
        );
        assert_eq!(managed_helper(dir.path()), Some((own, true)));
    }
}
