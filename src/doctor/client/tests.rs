//! Facts with the cause of each check, and facts without it.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{
    arguments, base_url, bypass, codex, copilot,
    facts::{Facts, Program, WindowsSettings},
    files,
    fixture::Fixture,
    helper, judge, lifetime, login, outdated, pi, program,
    version::{READS_EXPIRY, Version},
    wsl,
};
use crate::{
    claude_code::{settings::Scope, variables::BYPASSES},
    config::Config,
    doctor::{check::Check, finding::Severity, tests::Case},
    secret::Secret,
};

const SHIM: &str = "/usr/bin/claviger-helper";
const GATEWAY: &str = "https://gw.example.com/eu";

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    Fixture::config(&format!(
        "[profile.default]\nsource = 's'\ngateway = '{GATEWAY}'\n\
         [profile.plain]\nsource = 's'\ngateways = ['http://gw.test', '{GATEWAY}/v1']\n"
    ))
});

/// What is changed in correct facts.
type Change = fn(&mut Facts<'_>);

/// The cases of this family.
pub(in crate::doctor) fn cases() -> Vec<Case> {
    let sound = judge(&sound());
    let of_settings = of_settings().into_iter();
    let of_settings = of_settings.map(|(check, scope, text)| {
        let mut facts = self::sound();
        facts.settings = Fixture::facts(&[(scope, &text)]).settings;
        (check, facts)
    });
    let of_projects = of_projects().into_iter().map(|(check, texts)| {
        let [user, project] = texts;
        let layers = [(Scope::User, &*user), (Scope::Project, &*project)];
        let mut facts = self::sound();
        facts.settings = Fixture::facts(&layers).settings;
        (check, facts)
    });
    let of_variables = of_variables().into_iter().map(|(check, name, value)| {
        let mut facts = self::sound();
        facts.settings = Fixture::facts(&[(Scope::User, &settings("", &url(GATEWAY)))]).settings;
        Fixture::set(&mut facts, &[(name, value)]);
        (check, facts)
    });
    let changed = changed().into_iter().map(|(check, change)| {
        let mut facts = self::sound();
        change(&mut facts);
        (check, facts)
    });
    let broken = of_settings.chain(of_projects).chain(of_variables);
    let broken = broken.chain(changed);
    broken
        .map(|(check, facts)| Case {
            check,
            broken: judge(&facts),
            sound: sound.clone(),
        })
        .collect()
}

/// A managed machine on which everything is right.
fn sound() -> Facts<'static> {
    let mut variables: Vec<_> = BYPASSES
        .iter()
        .map(|bypass| format!(r#""{}": """#, bypass.name))
        .collect();
    variables.push(url(GATEWAY));
    let managed = settings("", &variables.join(","));
    let mut facts = Fixture::facts(&[(Scope::User, "{}"), (Scope::Managed, &managed)]);
    facts.config = Some(&CONFIG);
    facts.own_directory = Some("/usr/bin".into());
    facts.programs = BTreeMap::from([(SHIM.to_owned(), program())]);
    facts.version = Some((READS_EXPIRY, "/usr/bin/claude".into()));
    facts
}

/// The installed shim.
fn program() -> Program {
    Program {
        file: Some(SHIM.into()),
        is_executable: true,
        directory: Some("/usr/bin".into()),
        ..Program::default()
    }
}

/// Settings with the shim as the helper, these arguments, and these variables.
fn settings(arguments: &str, variables: &str) -> String {
    of_helper(&format!("exec {SHIM}{arguments}"), variables)
}

fn of_helper(command: &str, variables: &str) -> String {
    format!(r#"{{"apiKeyHelper": "{command}", "env": {{{variables}}}}}"#)
}

fn url(url: &str) -> String {
    format!(r#""ANTHROPIC_BASE_URL": "{url}""#)
}

/// The only file of settings.
fn of_settings() -> Vec<(Check, Scope, String)> {
    use Scope::{Managed, Project, User};
    let own = url(GATEWAY);
    let forced = settings("", &own).replacen('{', r#"{"forceLoginMethod": "console", "#, 1);
    let headers = format!(r#"{{"otelHeadersHelper": "exec {SHIM}"}}"#);
    vec![
        (files::MANAGED_BROKEN, Managed, "{".to_owned()),
        (files::MANAGED_IGNORED, Managed, r#"{"env": []}"#.to_owned()),
        (files::BROKEN, User, "[]".to_owned()),
        (helper::MISSING, User, "{}".to_owned()),
        (helper::FOREIGN, Managed, of_helper("/bin/corp-key", &own)),
        (helper::OF_PROJECT, Project, settings("", &own)),
        (login::FORCED, Managed, forced),
        (bypass::OPEN, Managed, settings("", &own)),
        (
            program::UNQUOTED,
            User,
            of_helper("/a b/claviger-helper", &own),
        ),
        (
            program::NOT_FOUND,
            User,
            of_helper("/a/claviger-helper", &own),
        ),
        (
            program::WRAPPED,
            User,
            of_helper(&format!("timeout 9 {SHIM}"), &own),
        ),
        (program::WITHOUT_EXEC, User, of_helper(SHIM, &own)),
        (arguments::PROFILE, User, settings(" --profile none", &own)),
        (arguments::FORMAT, User, settings(" --format json", &own)),
        (
            arguments::BEARER,
            User,
            of_helper(&format!("echo Bearer $({SHIM})"), &own),
        ),
        (arguments::CLIENT, User, settings(" --client pi", &own)),
        (arguments::REVEAL, User, settings(" --reveal", &own)),
        (arguments::HEADERS, User, headers),
        (base_url::MISSING, User, settings("", "")),
        (
            base_url::REFUSED,
            User,
            settings("", &url("https://evil.test")),
        ),
        (
            base_url::PLAIN_HTTP,
            User,
            settings("", &url("http://gw.test")),
        ),
        (
            base_url::PATH,
            User,
            settings("", &url(&format!("{GATEWAY}/v1"))),
        ),
    ]
}

/// The user's settings, and those of a project.
fn of_projects() -> Vec<(Check, [String; 2])> {
    let own = url(GATEWAY);
    let both = settings("", &own);
    let of_project = format!(r#"{{"env": {{{own}}}}}"#);
    vec![
        (helper::SHADOWED, [both, of_helper("/bin/corp-key", "")]),
        (base_url::OF_PROJECT, [settings("", ""), of_project]),
    ]
}

/// A variable of the environment beside the user's correct settings.
fn of_variables() -> Vec<(Check, &'static str, &'static str)> {
    let lifetime = "CLAUDE_CODE_API_KEY_HELPER_TTL_MS";
    vec![
        (bypass::HELPER_SKIPPED, "CLAUDE_CODE_SIMPLE", "1"),
        (bypass::KEY_REPLACED, "ANTHROPIC_AUTH_TOKEN", "sk-canary"),
        (bypass::GATEWAY_LEFT, "CLAUDE_CODE_USE_BEDROCK", "1"),
        (
            bypass::ASKS_ANTHROPIC,
            "CLAUDE_CODE_OAUTH_TOKEN",
            "sk-canary",
        ),
        (lifetime::INVALID, lifetime, "5m"),
        (lifetime::ZERO, lifetime, "0"),
        (
            copilot::NO_BASE_URL,
            "COPILOT_PROVIDER_API_KEY_COMMAND",
            "exec /usr/bin/claviger-helper --client copilot",
        ),
    ]
}

/// Other changes of what is right.
fn changed() -> Vec<(Check, Change)> {
    vec![
        (files::MANAGED_UNSAFE, |facts| {
            facts.unsafe_managed = vec!["'/etc' is writable by others (mode 0777)".to_owned()];
        }),
        (files::DROP_IN, |facts| {
            let drop_in = settings(" --profile default", "");
            let mut more = Fixture::facts(&[(Scope::Managed, &drop_in)]);
            facts.settings.layers.append(&mut more.settings.layers);
        }),
        (wsl::NOT_INHERITED, |facts| {
            facts.windows_settings = Some(WindowsSettings {
                file: "/mnt/c/managed-settings.json".into(),
                are_inherited: false,
            });
        }),
        (helper::NO_CLIENT, |facts| *facts = Facts::default()),
        (login::COMPETING, |facts| {
            facts.logins = vec!["/home/ana/.claude.json: oauthAccount".to_owned()];
        }),
        (program::NOT_EXECUTABLE, |facts| {
            let program = facts.programs.get_mut(SHIM).unwrap();
            program.is_executable = false;
        }),
        (program::NOT_ABSOLUTE, |facts| {
            let text = of_helper("exec claviger-helper", &url(GATEWAY));
            facts.settings = Fixture::facts(&[(Scope::User, &text)]).settings;
            facts.programs = BTreeMap::from([("claviger-helper".to_owned(), program())]);
        }),
        (program::OTHER_INSTALLATION, |facts| {
            facts.own_directory = Some("/usr/local/bin".into());
        }),
        (program::UNSAFE, |facts| {
            let program = facts.programs.get_mut(SHIM).unwrap();
            program.violation = Some("'/usr' is writable by others".to_owned());
        }),
        (base_url::UNMANAGED, |facts| {
            facts.settings = Fixture::facts(&[(Scope::Managed, &settings("", ""))]).settings;
            Fixture::set(facts, &[("ANTHROPIC_BASE_URL", GATEWAY)]);
        }),
        (base_url::OF_ENVIRONMENT, |facts| {
            facts.settings = Fixture::facts(&[(Scope::User, &settings("", ""))]).settings;
            Fixture::set(facts, &[("ANTHROPIC_BASE_URL", GATEWAY)]);
        }),
        (lifetime::TOO_LONG, |facts| {
            let lifetime = ("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "600000");
            Fixture::set(facts, &[lifetime]);
            facts.version = None;
        }),
        (outdated::OLD, |facts| {
            facts.version = Some((Version(2, 1, 197), "/usr/bin/claude".into()));
        }),
        (codex::TWO_KEYS, |facts| {
            set_codex(facts, "env_key = 'K'\n", "");
        }),
        (codex::TIMEOUT, |facts| {
            set_codex(facts, "", "timeout_ms = 3000");
        }),
        (codex::INTERVAL, |facts| {
            set_codex(facts, "", "refresh_interval_ms = 900000");
        }),
        (pi::NO_MARK, |facts| {
            let text = format!(r#"{{"providers": {{"gw": {{"apiKey": "{SHIM}"}}}}}}"#);
            facts.pi = Some(("/models.json".into(), Secret::new(text)));
        }),
    ]
}

fn set_codex(facts: &mut Facts<'_>, provider: &str, auth: &str) {
    let text = format!(
        "[model_providers.gw]\n{provider}[model_providers.gw.auth]\ncommand = '{SHIM}'\n{auth}\n"
    );
    facts.codex = Some(("/config.toml".into(), text));
}

#[test]
fn what_is_right_has_no_finding() {
    assert_eq!(judge(&sound()), []);
    let mut facts = sound();
    let user = settings("", &url(GATEWAY));
    facts.settings = Fixture::facts(&[(Scope::User, &user)]).settings;
    assert_eq!(judge(&facts), []);
}

#[test]
fn no_case_shows_a_value() {
    for case in cases() {
        let shown = format!("{:?}", case.broken);
        assert!(!shown.contains("canary"), "{shown}");
    }
}

/// A report does not name the consequences of a fatal cause as causes. Of a file that the client
/// does not use no helper is known, which is another finding.
#[test]
fn a_fatal_cause_has_no_fatal_consequence() {
    let broken = [files::MANAGED_BROKEN, files::MANAGED_IGNORED];
    for case in cases() {
        let findings = case.broken.iter();
        let fatal = findings.filter(|finding| finding.severity == Severity::Fatal);
        let fatal: Vec<_> = fatal.collect();
        let is_one = fatal.len() <= 1 || broken.contains(&case.check);
        assert!(is_one, "{}: {fatal:#?}", case.check.id);
    }
}
