//! Managed settings of Claude Code, at their real place in a namespace.

use std::{fs, os::unix::fs::PermissionsExt as _};

use claviger::demo::gateway::TestGateway;
use serde_json::{Map, Value, json};

use super::{Diagnosis, above_note};
use crate::support::{
    KEY,
    answers::secret,
    claude::ClaudeCode,
    namespace::{Namespace, User},
};

const MANAGED: &str = "/etc/claude-code/managed-settings.json";
const DROP_IN: &str = "/etc/claude-code/managed-settings.d/50-more.json";
const GATEWAY: &str = "https://gw.example.com";
const HELPER: &str = "exec /mnt/bin/claviger-helper";

/// The variables that a managed `env` must blank, as `claviger doctor` names them.
const BLANKED: [&str; 13] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_UNIX_SOCKET",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",
    "CLAUDE_CODE_SIMPLE",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS",
    "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_MANTLE",
    "CLAUDE_CODE_USE_VERTEX",
];

/// ana's machine, whose administrator has configured a profile for `gateway`.
fn machine(gateway: &str) -> Namespace {
    let machine = Namespace::with_tool("claude");
    machine.directory("/run/user/4242", User::Ana, 0o700);
    let config = format!(
        "version = 1\nsupport = \"it@example.com\"\n[profile.default]\nsource = \"s\"\n\
         gateway = \"{gateway}\"\nprobe = \"off\"\n[source.s]\ntype = \"exec\"\n\
         command = [\"/bin/echo\", \"{KEY}\"]\n"
    );
    machine.write("/etc/claviger/config.toml", User::Root, &config);
    write(&machine, MANAGED, "{}");
    machine
}

/// Writes a managed file that every user can read.
fn write(machine: &Namespace, path: &str, text: &str) {
    machine.write(path, User::Root, text);
    for directory in ["/etc/claude-code", "/etc/claude-code/managed-settings.d"] {
        let directory = machine.outside(directory);
        if directory.exists() {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

/// Settings with which everything is right.
fn correct(gateway: &str) -> Value {
    let mut variables: Map<_, _> = BLANKED
        .iter()
        .map(|name| ((*name).to_owned(), json!("")))
        .collect();
    variables.insert("ANTHROPIC_BASE_URL".to_owned(), json!(gateway));
    json!({ "apiKeyHelper": HELPER, "env": variables })
}

fn diagnose(machine: &Namespace, variables: &[(&str, &str)]) -> Diagnosis {
    let args = ["doctor", "--json", "--no-start"];
    Diagnosis::new(&machine.run(User::Ana, "claviger", &args, variables))
}

#[test]
fn a_correct_machine_has_no_finding_above_a_note() {
    let machine = machine(GATEWAY);
    write(&machine, MANAGED, &correct(GATEWAY).to_string());
    let shell = [
        ("ANTHROPIC_API_KEY", "sk-other"),
        ("CLAUDE_CODE_SIMPLE", "1"),
    ];
    for variables in [&[][..], &shell] {
        let diagnosis = diagnose(&machine, variables);
        assert_eq!(above_note(&diagnosis), [""; 0], "{diagnosis:?}");
        diagnosis.lacks("client.bypasses-open");
    }
}

/// Each cause in the managed file alone.
#[test]
fn each_cause_in_managed_settings_is_found() {
    let machine = machine(GATEWAY);
    let with = |key: &str, value: Value| {
        let mut settings = correct(GATEWAY);
        settings[key] = value;
        settings.to_string()
    };
    let url = |url: Value| {
        let mut settings = correct(GATEWAY);
        settings["env"]["ANTHROPIC_BASE_URL"] = url;
        settings.to_string()
    };
    let helper = |command: &str| with("apiKeyHelper", json!(command));
    let managed = |parts: &str| format!("{MANAGED}: {parts}");
    for (id, text, evidence) in [
        (
            "managed-settings-broken",
            "{\"env\":".to_owned(),
            managed("invalid JSON"),
        ),
        (
            "managed-settings-broken",
            "[]".to_owned(),
            managed("expected a JSON object"),
        ),
        (
            "managed-key-ignored",
            helper("x").replace("\"x\"", "5"),
            managed("apiKeyHelper"),
        ),
        (
            "login-forced",
            with("forceLoginMethod", json!("console")),
            managed("forceLoginMethod"),
        ),
        (
            "login-forced",
            with("forceLoginOrgUUID", json!("a")),
            managed("forceLoginOrgUUID"),
        ),
        (
            "helper-missing",
            with("apiKeyHelper", json!(null)),
            managed("no 'apiKeyHelper'"),
        ),
        (
            "helper-foreign",
            helper("echo sk-theirs"),
            managed("apiKeyHelper"),
        ),
        (
            "helper-foreign",
            helper("/bin/echo sk-theirs"),
            "'/bin/echo'".to_owned(),
        ),
        (
            "helper-not-found",
            helper("exec /opt/claviger-helper"),
            managed("apiKeyHelper"),
        ),
        (
            "helper-unquoted",
            helper("/mnt/my bin/claviger-helper"),
            managed("apiKeyHelper"),
        ),
        (
            "helper-profile",
            helper(&format!("{HELPER} --profile none")),
            "'none'".to_owned(),
        ),
        (
            "helper-format",
            helper(&format!("{HELPER} --format json")),
            "'json'".to_owned(),
        ),
        (
            "helper-bearer",
            helper("echo Bearer $(claviger-helper)"),
            managed("apiKeyHelper"),
        ),
        (
            "base-url-missing",
            url(json!(null)),
            managed("no env.ANTHROPIC_BASE_URL"),
        ),
        (
            "base-url-refused",
            url(json!("https://evil.test")),
            "'https://evil.test'".to_owned(),
        ),
        (
            "base-url-refused",
            url(json!("https://gw.example.com/a")),
            "another path".to_owned(),
        ),
        (
            "base-url-plain-http",
            url(json!("http://gw.example.com")),
            managed("env."),
        ),
        (
            "base-url-path",
            url(json!("https://gw.example.com/v1")),
            managed("env."),
        ),
        (
            "headers-helper-format",
            with("otelHeadersHelper", json!(HELPER)),
            managed("otelHeadersHelper"),
        ),
    ] {
        write(&machine, MANAGED, &text);
        let diagnosis = diagnose(&machine, &[]);
        let found = diagnosis.has(&format!("client.{id}"), &[&evidence]);
        let remedy = found["remedy"].as_str().unwrap();
        assert!(remedy.contains("it@example.com"), "{found:#}");
        assert!(
            !format!("{diagnosis:?}").contains("sk-theirs"),
            "{diagnosis:?}"
        );
    }
}

#[test]
fn each_cause_beside_managed_settings_is_found() {
    let machine = machine(GATEWAY);
    let mut open = correct(GATEWAY);
    open["env"] = json!({ "ANTHROPIC_BASE_URL": GATEWAY });
    write(&machine, MANAGED, &open.to_string());
    diagnose(&machine, &[]).has("client.bypasses-open", &["ANTHROPIC_API_KEY"]);
    for (name, value, id) in [
        ("ANTHROPIC_API_KEY", "sk-theirs", "key-replaced"),
        ("ANTHROPIC_AUTH_TOKEN", "sk-theirs", "key-replaced"),
        (
            "ANTHROPIC_CUSTOM_HEADERS",
            "x-api-key: sk-theirs",
            "key-replaced",
        ),
        ("CLAUDE_CODE_USE_VERTEX", "1", "gateway-left"),
        ("ANTHROPIC_UNIX_SOCKET", "/tmp/s", "gateway-left"),
        ("CLAUDE_CODE_SIMPLE", "true", "helper-skipped"),
        ("CLAUDE_CODE_OAUTH_TOKEN", "sk-theirs", "asks-anthropic"),
        (
            "CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
            "0",
            "cache-lifetime-zero",
        ),
        (
            "CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
            "5m",
            "cache-lifetime-invalid",
        ),
    ] {
        let diagnosis = diagnose(&machine, &[(name, value)]);
        diagnosis.has(&format!("client.{id}"), &[&format!("environment: {name}")]);
        assert!(
            !format!("{diagnosis:?}").contains("sk-theirs"),
            "{diagnosis:?}"
        );
    }
    // Only the managed 'env' binds a project.
    open["env"] = json!({});
    write(&machine, MANAGED, &open.to_string());
    let shell = [("ANTHROPIC_BASE_URL", GATEWAY)];
    diagnose(&machine, &shell).has("client.base-url-unmanaged", &["it@example.com"]);

    write(&machine, MANAGED, &correct(GATEWAY).to_string());
    write(&machine, DROP_IN, r#"{"apiKeyHelper": "/bin/echo"}"#);
    let diagnosis = diagnose(&machine, &[]);
    diagnosis.has("client.drop-in-overrides", &[DROP_IN, MANAGED]);
    diagnosis.has("client.helper-foreign", &[DROP_IN]);
    write(&machine, DROP_IN, "{");
    diagnose(&machine, &[]).has("client.managed-settings-broken", &[DROP_IN]);
}

#[test]
fn the_modes_of_managed_settings_are_judged() {
    let machine = machine(GATEWAY);
    for (mode, id) in [
        (0o600, "client.managed-settings-broken"),
        (0o666, "client.managed-settings-unsafe"),
    ] {
        write(&machine, MANAGED, &correct(GATEWAY).to_string());
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(machine.outside(MANAGED), permissions).unwrap();
        diagnose(&machine, &[]).has(id, &[MANAGED, "it@example.com"]);
    }
}

/// The real client, with the settings that doctor judges: a turn succeeds with those that are
/// right, and fails with the others.
#[tokio::test]
async fn the_client_fails_if_and_only_if_doctor_finds_a_fatal_cause() {
    let gateway = TestGateway::start([secret(KEY)]).await.unwrap();
    let url = gateway.url();
    let machine = machine(&url);
    let mut forced = correct(&url);
    forced["forceLoginMethod"] = json!("console");
    let mut simple = correct(&url);
    simple["env"]["CLAUDE_CODE_SIMPLE"] = json!("1");
    let mut refused = correct(&url);
    refused["env"]["ANTHROPIC_BASE_URL"] = json!(format!("{url}/elsewhere"));
    let client = ClaudeCode::of_ana(&machine, &url, &[]);
    for (text, id) in [
        (correct(&url).to_string(), None),
        (forced.to_string(), Some("client.login-forced")),
        (simple.to_string(), Some("client.helper-skipped")),
        (refused.to_string(), Some("client.base-url-refused")),
        ("{".to_owned(), Some("client.managed-settings-broken")),
    ] {
        write(&machine, MANAGED, &text);
        let output = client.turn("What is up?").await;
        assert_eq!(output.status.success(), id.is_none(), "{text}: {output:?}");
        let diagnosis = diagnose(&machine, &[]);
        match id {
            Some(id) => drop(diagnosis.has(id, &[MANAGED]).clone()),
            None => assert_eq!(above_note(&diagnosis), [""; 0], "{diagnosis:?}"),
        }
    }
}
