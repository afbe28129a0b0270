//! The server that Claude Code sends its key to, and whether it is the profile's gateway.

use super::{
    command::{Command, Shim},
    facts::{Facts, Variable},
};
use crate::{
    claude_code::{settings::Scope, variables::BASE_URL},
    config::{BaseUrl, Config, is_loopback, origin_of},
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
};

/// The key goes to Anthropic.
pub(super) const MISSING: Check = super::check_of(
    Severity::Fatal,
    "client.base-url-missing",
    "'ANTHROPIC_BASE_URL' nowhere, so that the key goes to Anthropic",
);

/// The shim gives no key.
pub(super) const REFUSED: Check = super::check_of(
    Severity::Fatal,
    "client.base-url-refused",
    "an 'ANTHROPIC_BASE_URL' that is not the profile's gateway, or that selects no profile",
);

/// A project can send the key elsewhere.
pub(super) const UNMANAGED: Check = super::check_of(
    Severity::Warning,
    "client.base-url-unmanaged",
    "a managed helper without 'ANTHROPIC_BASE_URL' in the managed 'env'",
);

/// It holds in one project.
pub(super) const OF_PROJECT: Check = super::check_of(
    Severity::Warning,
    "client.base-url-of-project",
    "an 'ANTHROPIC_BASE_URL' in force that a project's settings set",
);

/// It holds in one shell.
pub(super) const OF_ENVIRONMENT: Check = super::check_of(
    Severity::Warning,
    "client.base-url-of-environment",
    "an 'ANTHROPIC_BASE_URL' that only the environment sets",
);

/// Others on the network can read the key.
pub(super) const PLAIN_HTTP: Check = super::check_of(
    Severity::Warning,
    "client.base-url-plain-http",
    "plain http to another host",
);

/// The client appends `/v1/messages`.
pub(super) const PATH: Check = super::check_of(
    Severity::Warning,
    "client.base-url-path",
    "an 'ANTHROPIC_BASE_URL' that ends in '/v1', which the client adds",
);

/// Checks the base URL in force.
pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let Some((helper, command)) = facts.helper() else {
        return Vec::new();
    };
    if !facts.runs_shim(&command) {
        return Vec::new();
    }
    let is_managed = helper.scope == Scope::Managed;
    let Some(url) = facts.variable(BASE_URL) else {
        return missing(facts, helper.scope).into_iter().collect();
    };
    let mut findings = Vec::from_iter(refused(facts, &command, &url));
    let is_refused = !findings.is_empty();
    let mut add = |check: Check, finding: &str, fix: &str| {
        let remedy = facts.remedy(is_managed.then_some(Scope::Managed), fix);
        findings.push(check.found(finding, [url.place.clone()], remedy));
    };
    let managed_fix = format!("set '{BASE_URL}' in 'env' of the managed settings");
    match url.scope {
        Some(Scope::Managed) => {}
        _ if is_managed => add(
            UNMANAGED,
            "a project's settings can send the key to another server, because the managed \
             settings do not name the gateway",
            &managed_fix,
        ),
        Some(Scope::Project | Scope::ProjectLocal) if !is_refused => add(
            OF_PROJECT,
            "the gateway is named in the settings of this project alone",
            &format!("set '{BASE_URL}' in 'env' beside 'apiKeyHelper'"),
        ),
        None => add(
            OF_ENVIRONMENT,
            "a client that is not started from this shell sends the key to Anthropic",
            &format!("set '{BASE_URL}' in 'env' beside 'apiKeyHelper'"),
        ),
        Some(_) => {}
    }
    findings.extend(form(facts, &url));
    findings
}

fn missing(facts: &Facts<'_>, helper: Scope) -> Option<Finding> {
    let profiles = facts.config?.profiles.values();
    // A profile without a gateway is for Anthropic itself.
    if !{ profiles }.any(|profile| profile.gateways().next().is_some()) {
        return None;
    }
    let files = facts.settings.layers.iter();
    let files = files.map(|layer| format!("{}: no env.{BASE_URL}", layer.file.display()));
    let whose = match helper {
        Scope::Managed => "the managed settings",
        _ => "the settings that name the helper",
    };
    Some(MISSING.found(
        "Claude Code does not know the gateway, and sends the key to Anthropic",
        files,
        facts.remedy(
            Some(helper),
            &format!("set '{BASE_URL}' in 'env' of {whose}"),
        ),
    ))
}

/// Why the shim gives no key to a client with this base URL.
fn refused(facts: &Facts<'_>, command: &Command, url: &Variable<'_>) -> Option<Finding> {
    let config = facts.config?;
    let of_variable = facts.variable("CLAVIGER_PROFILE");
    let of_variable = of_variable.as_ref().map(|variable| variable.value.expose());
    let profile = match command {
        Command::Shim(shim) => profile(config, shim, of_variable)?,
        // A script may name any profile.
        _ => return refused_by_all(facts, config, url),
    };
    let base_url = BaseUrl {
        url: url.value.expose(),
        variables: BASE_URL,
    };
    let error = config.select(profile, Some(base_url)).err()?;
    let remedy = match url.scope {
        Some(Scope::Managed) => {
            let fix = format!("set '{BASE_URL}' to the gateway of the profile");
            facts.remedy(url.scope, &fix)
        }
        _ => error.hint(),
    };
    let mut finding = REFUSED.found(
        format!("claviger-helper gives Claude Code no key: {error}"),
        [url.place.clone()],
        remedy,
    );
    finding.profile = profile.map(str::to_owned);
    Some(finding)
}

/// The profile that a client asks for; `None` if it does not exist, which is another finding.
fn profile<'a>(
    config: &Config,
    shim: &'a Shim,
    of_variable: Option<&'a str>,
) -> Option<Option<&'a str>> {
    match shim.option("--profile").or(of_variable) {
        Some(name) if !config.profiles.contains_key(name) => None,
        profile => Some(profile),
    }
}

fn refused_by_all(facts: &Facts<'_>, config: &Config, url: &Variable<'_>) -> Option<Finding> {
    let mut profiles = config.profiles.values();
    if profiles.any(|profile| profile.permits(url.value.expose())) {
        return None;
    }
    let fix = format!("set '{BASE_URL}' to the gateway of a profile");
    Some(REFUSED.found(
        "claviger-helper gives Claude Code no key: its base URL is no profile's gateway",
        [url.place.clone()],
        facts.remedy(url.scope, &fix),
    ))
}

/// What the form of the URL leads to.
fn form(facts: &Facts<'_>, variable: &Variable<'_>) -> Vec<Finding> {
    let text = variable.value.expose().trim();
    let (Ok(url), Some(origin)) = (text.parse::<url::Url>(), origin_of(text)) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut add = |check: Check, finding: String, fix: &str| {
        let remedy = facts.remedy(variable.scope, fix);
        findings.push(check.found(finding, [variable.place.clone()], remedy));
    };
    if url.scheme() == "http" && !is_loopback(&url) {
        let finding = format!("the key is sent unencrypted to '{origin}'");
        add(PLAIN_HTTP, finding, &format!("use 'https' in '{BASE_URL}'"));
    }
    let path = url.path().trim_end_matches('/');
    if ["/v1", "/v1/messages"]
        .iter()
        .any(|end| path.ends_with(end))
    {
        let finding = format!(
            "Claude Code appends '/v1/messages' to the base URL on '{origin}', whose path contains \
             it already"
        );
        add(
            PATH,
            finding,
            &format!("remove '/v1' and what follows it from '{BASE_URL}'"),
        );
    }
    findings
}

#[cfg(test)]
mod tests;
