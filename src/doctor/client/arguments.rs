//! What a client's command makes of the key: the shim's arguments, and what is added to its output.

use super::{
    caller::Caller,
    command::{Command, Shim},
    facts::{Facts, place},
};
use crate::{
    client_kind::ClientKind,
    config::{Config, SelectError},
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
};

/// `--profile` names none.
pub(super) const PROFILE: Check = super::check_of(
    Severity::Fatal,
    "client.helper-profile",
    "a helper with the name of a profile that does not exist",
);

/// The client gets another text than a key.
pub(super) const FORMAT: Check = super::check_of(
    Severity::Fatal,
    "client.helper-format",
    "a helper that prints another format than a bare key",
);

/// The client would send `Bearer Bearer KEY`.
pub(super) const BEARER: Check = super::check_of(
    Severity::Fatal,
    "client.helper-bearer",
    "a helper that writes 'Bearer' before the key",
);

/// The shim assumes another client.
pub(super) const CLIENT: Check = super::check_of(
    Severity::Warning,
    "client.helper-client",
    "a helper without the client's '--client', or with another's",
);

/// Telemetry gets a bare key in place of headers.
pub(super) const HEADERS: Check = super::check_of(
    Severity::Warning,
    "client.headers-helper-format",
    "an 'otelHeadersHelper' that prints no headers",
);

/// A key may be shown on a terminal.
pub(super) const REVEAL: Check = super::check_of(
    Severity::Note,
    "client.helper-reveal",
    "a helper with '--reveal'",
);

/// Checks the command of one client.
pub(super) fn check(facts: &Facts<'_>, caller: &Caller) -> Vec<Finding> {
    let name = caller.name;
    let adds_bearer = match &caller.command {
        Command::Shim(shim) => return of_shim(facts, caller, shim),
        Command::Inline { adds_bearer } => *adds_bearer,
        command => facts
            .script(command)
            .is_some_and(|script| script.adds_bearer),
    };
    let finding = format!("the command of {name} writes 'Bearer', which {name} adds itself");
    let found = || caller.found(facts, BEARER, finding, "print the bare key only");
    Vec::from_iter(adds_bearer.then(found))
}

fn of_shim(facts: &Facts<'_>, caller: &Caller, shim: &Shim) -> Vec<Finding> {
    let name = caller.name;
    let mut findings = Vec::new();
    let mut add = |check: Check, finding: String, fix: &str| {
        findings.push(caller.found(facts, check, finding, fix));
    };
    if let Some(error) = unknown_profile(facts.config, shim) {
        let finding = format!("{name} asks for an {error}");
        add(
            PROFILE,
            finding,
            "name a profile of the configuration, or none",
        );
    }
    let hermes = ClientKind::Hermes.name();
    let of_client = (shim.client() == Some(hermes)).then_some("oauth");
    let format = shim.option("--format").or(of_client);
    if let Some(format) = format.filter(|format| *format != "key" && caller.kind.name() != hermes) {
        let finding = format!("{name} expects a bare key, and its command prints '{format}'");
        add(
            FORMAT,
            finding,
            "remove '--format', and another client's '--client'",
        );
    }
    let expected = caller.kind.name();
    let client = shim.client().unwrap_or(ClientKind::ClaudeCode.name());
    if client != expected {
        let finding = format!(
            "claviger-helper answers {name} as if it were '{client}', with its cache lifetime and \
             time limit"
        );
        add(
            CLIENT,
            finding,
            &format!("add '--client {expected}' to the command"),
        );
    }
    if shim.has("--reveal") {
        let finding = format!("the command of {name} would show a key on a terminal");
        add(REVEAL, finding, "remove '--reveal', which no client needs");
    }
    findings
}

fn unknown_profile(config: Option<&Config>, shim: &Shim) -> Option<SelectError> {
    let profile = shim.option("--profile")?;
    let error = config?.select(Some(profile), None).err()?;
    matches!(error, SelectError::Unknown { .. }).then_some(error)
}

/// Checks the command for the headers of telemetry.
pub(super) fn check_headers(facts: &Facts<'_>) -> Option<Finding> {
    let headers = facts
        .settings
        .values(|contents| contents.headers_helper.as_ref());
    let helper = { headers }.next()?;
    let Command::Shim(shim) = Command::parse(helper.value.expose()) else {
        return None;
    };
    (shim.option("--format") != Some("headers")).then(|| {
        HEADERS.found(
            "'otelHeadersHelper' must print headers as JSON, and its command prints a bare key",
            [place(&helper, "otelHeadersHelper")],
            facts.remedy(Some(helper.scope), "add '--format headers' to the command"),
        )
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::{super::fixture::Fixture, *};
    use crate::claude_code::settings::Scope;

    fn ids(kind: ClientKind, command: &str) -> Vec<String> {
        let config = Fixture::config("[profile.work]\nsource = 's'");
        let facts = Facts {
            config: Some(&config),
            ..Facts::default()
        };
        let caller = Caller {
            kind,
            name: "the client",
            place: "/s: key".to_owned(),
            scope: None,
            command: Command::parse(command),
        };
        let findings = check(&facts, &caller).into_iter();
        findings
            .map(|finding| finding.id.replace("client.helper-", ""))
            .collect()
    }

    #[test]
    fn the_arguments_fit_the_client() {
        use ClientKind::{ClaudeCode, Codex, Hermes, Pi};
        for (kind, arguments, expected) in [
            (ClaudeCode, "", &[][..]),
            (
                ClaudeCode,
                " --profile work --format=key --client claude-code",
                &[],
            ),
            (ClaudeCode, " --profile wrok", &["profile"]),
            (ClaudeCode, " --format headers", &["format"]),
            (ClaudeCode, " --format=json --reveal", &["format", "reveal"]),
            (ClaudeCode, " --client hermes", &["format", "client"]),
            (ClaudeCode, " --client=codex", &["client"]),
            (ClaudeCode, "-desktop", &["client"]),
            (Codex, "", &["client"]),
            (Codex, "-codex", &[]),
            (Pi, " --client pi", &[]),
            (Hermes, " --client hermes", &[]),
        ] {
            let command = format!("exec /bin/claviger-helper{arguments}");
            let command = command.replace("claude-desktop", "desktop");
            assert_eq!(ids(kind, &command), expected, "{arguments}");
        }
        let bearer = "echo Bearer $(claviger-helper)";
        assert_eq!(ids(ClaudeCode, bearer), ["bearer"]);
        assert_eq!(ids(ClaudeCode, "timeout 9 claviger-helper"), [""; 0]);
    }

    #[test]
    fn telemetry_needs_headers() {
        for (command, is_found) in [
            ("exec /bin/claviger-helper", true),
            ("exec /bin/claviger-helper --format key", true),
            ("exec /bin/claviger-helper --format headers", false),
            ("/corp/headers", false),
        ] {
            let text = format!(r#"{{"otelHeadersHelper": "{command}"}}"#);
            let facts = Fixture::facts(&[(Scope::User, &text)]);
            assert_eq!(check_headers(&facts).is_some(), is_found, "{command}");
        }
    }
}
