//! Managed settings of Windows, seen from WSL.

use super::facts::Facts;
use crate::{
    claude_code::settings::Scope,
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
};

/// The policy of Windows does not hold in WSL.
pub(super) const NOT_INHERITED: Check = super::check_of(
    Severity::Warning,
    "client.wsl-not-inherited",
    "managed settings of Windows that Claude Code in WSL does not read",
);

/// Checks whether the settings of Windows are in force here.
pub(super) fn check(facts: &Facts<'_>) -> Option<Finding> {
    let windows = facts.windows_settings.as_ref()?;
    (!windows.are_inherited).then(|| {
        NOT_INHERITED.found(
            "Claude Code in WSL does not read the managed settings of Windows",
            [format!(
                "{}: no wslInheritsWindowsSettings",
                windows.file.display()
            )],
            facts.remedy(
                Some(Scope::Managed),
                "set 'wslInheritsWindowsSettings' there, or install managed settings in WSL",
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{super::facts::WindowsSettings, *};

    #[test]
    fn settings_of_windows_are_inherited_or_found() {
        for (are_inherited, is_found) in [(true, false), (false, true)] {
            let windows_settings = Some(WindowsSettings {
                file: "/mnt/c/x.json".into(),
                are_inherited,
            });
            let facts = Facts {
                windows_settings,
                ..Facts::default()
            };
            assert_eq!(check(&facts).is_some(), is_found);
        }
        assert_eq!(check(&Facts::default()), None);
    }
}
