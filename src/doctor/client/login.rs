//! Logins at Anthropic, which a helper does not need.

use super::facts::Facts;
use crate::{
    claude_code::settings::Scope,
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
};

/// The client refuses a helper.
pub(super) const FORCED: Check = super::check_of(
    Severity::Fatal,
    "client.login-forced",
    "managed settings that demand a login at Anthropic, which excludes a helper",
);

/// There is another credential.
pub(super) const COMPETING: Check = super::check_of(
    Severity::Note,
    "client.login-left",
    "a login of Claude Code's own beside the helper",
);

/// Checks logins, if a helper is in force.
pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    if facts.helper().is_none() {
        return Vec::new();
    }
    // In other settings than the managed ones the keys have no effect (measured with 2.1.329).
    let layers = facts.settings.layers.iter();
    let managed = layers.filter(|layer| layer.scope == Scope::Managed);
    let forced: Vec<_> = managed
        .filter_map(|layer| Some((&layer.file, layer.contents.as_ref().ok()?)))
        .flat_map(|(file, contents)| {
            let keys = contents.forced_login.iter();
            keys.map(|key| format!("{}: {key}", file.display()))
        })
        .collect();
    let mut findings = Vec::new();
    if !forced.is_empty() {
        findings.push(FORCED.found(
            "the managed settings demand a login at Anthropic, so that Claude Code refuses every \
             helper",
            forced,
            facts.remedy(Some(Scope::Managed), "remove these keys"),
        ));
    }
    if !facts.logins.is_empty() {
        findings.push(COMPETING.found(
            "Claude Code has a login of its own, which it uses if the helper is not in force",
            facts.logins.iter().cloned(),
            "log out of it by /logout in Claude Code if it is not needed",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::Fixture, *};

    #[test]
    fn only_managed_settings_force_a_login() {
        let helper = r#""apiKeyHelper": "exec /bin/claviger-helper""#;
        for (scope, key, is_found) in [
            (Scope::Managed, r#", "forceLoginMethod": "claudeai""#, true),
            (Scope::Managed, r#", "forceLoginOrgUUID": ["x"]"#, true),
            (Scope::Managed, r#", "forceLoginMethod": null"#, false),
            (Scope::Managed, "", false),
            (Scope::User, r#", "forceLoginMethod": "console""#, false),
        ] {
            let text = format!("{{{helper}{key}}}");
            let findings = check(&Fixture::facts(&[(scope, &text)]));
            assert_eq!(!findings.is_empty(), is_found, "{text}");
        }
        let forced = r#"{"forceLoginMethod": "claudeai"}"#;
        assert_eq!(check(&Fixture::facts(&[(Scope::Managed, forced)])), []);
    }

    #[test]
    fn a_login_beside_the_helper_is_worth_a_note() {
        let text = r#"{"apiKeyHelper": "exec /bin/claviger-helper"}"#;
        let mut facts = Fixture::facts(&[(Scope::User, text)]);
        facts.logins = vec!["/home/ana/.claude.json: oauthAccount".to_owned()];
        assert_eq!(check(&facts)[0].id, "client.login-left");
    }
}
