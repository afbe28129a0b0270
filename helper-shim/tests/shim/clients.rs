//! What the shim sends and prints for each client, named by an option or by the program's name.

use std::{
    ffi::OsStr,
    os::unix::{ffi::OsStrExt as _, process::CommandExt as _},
    process::Command,
};

use claviger_wire::{Acquire, Format, MAX_LABEL_LEN, Response, Token};

use crate::harness::{SECRET, TestEnv, credential, run};

/// A client's name, cache lifetime and time limit in milliseconds, and format.
const CLIENTS: [(&str, u64, u64, Format); 6] = [
    ("claude-code", 300_000, 8_000, Format::Key),
    ("claude-desktop", 3_600_000, 15_000, Format::Key),
    ("codex", 300_000, 4_500, Format::Key),
    ("copilot", 0, 8_000, Format::Key),
    ("pi", 0, 8_000, Format::Key),
    ("hermes", 900_000, 8_000, Format::Oauth),
];

/// Runs `command` against a daemon that answers with a key; returns the request and the output.
fn answered(env: &TestEnv, command: &mut Command) -> (Acquire, String) {
    let daemon = env.serve(vec![credential(SECRET)]);
    let run = run(command);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let [request] = daemon.join().unwrap().try_into().unwrap();
    (request, run.stdout)
}

/// Asserts that `command` behaves as one of `client` does.
#[track_caller]
fn behaves_as(client: &str, env: &TestEnv, command: &mut Command) {
    let (name, lifetime_ms, timeout_ms, format) = CLIENTS
        .into_iter()
        .find(|(name, ..)| *name == client)
        .unwrap();
    let (request, stdout) = answered(env, command);
    assert_eq!(request.client.as_deref(), Some(name));
    assert_eq!(request.cache_lifetime_ms, lifetime_ms, "{name}");
    assert_eq!(request.format, format, "{name}");
    // What is left of the client's deadline after the start, on a busy machine.
    let earliest = timeout_ms - 3_000;
    assert!(
        (earliest..=timeout_ms).contains(&request.deadline_ms),
        "{name}: {}",
        request.deadline_ms
    );
    let expected = match format {
        Format::Oauth => format!(
            "{{\"access_token\":\"{SECRET}\",\"token_type\":\"Bearer\",\"expires_in\":3599}}\n"
        ),
        _ => format!("{SECRET}\n"),
    };
    assert_eq!(stdout, expected, "{name}");
}

fn with_own_deadline(mut command: Command) -> Command {
    command.env_remove("CLAVIGER_TIMEOUT_MS");
    command
}

#[test]
fn a_client_is_named_by_the_option_or_by_the_programs_name() {
    for (name, ..) in CLIENTS {
        let env = TestEnv::new();
        let mut option = with_own_deadline(env.shim(&["--client", name]));
        behaves_as(name, &env, &mut option);
        let env = TestEnv::new();
        let mut link = env.linked(&format!("claviger-helper-{name}"), &[]);
        behaves_as(name, &env, &mut link);
    }
}

#[test]
fn the_short_name_of_claude_desktop_is_accepted() {
    let env = TestEnv::new();
    let mut option = with_own_deadline(env.shim(&["--client=desktop"]));
    behaves_as("claude-desktop", &env, &mut option);
    let env = TestEnv::new();
    let mut link = env.linked("claviger-helper-desktop", &[]);
    behaves_as("claude-desktop", &env, &mut link);
}

#[test]
fn any_other_program_name_is_that_of_claude_code() {
    for name in ["claviger-helper", "corp-key", "codex"] {
        let env = TestEnv::new();
        let mut link = env.linked(name, &[]);
        behaves_as("claude-code", &env, &mut link);
    }
    let env = TestEnv::new();
    let mut unnamed = with_own_deadline(env.shim(&[]));
    unnamed.arg0("");
    behaves_as("claude-code", &env, &mut unnamed);
}

#[test]
fn the_option_overrides_the_programs_name() {
    for name in ["claviger-helper-pi", "claviger-helper-crush"] {
        let env = TestEnv::new();
        let mut link = env.linked(name, &["--client", "codex"]);
        behaves_as("codex", &env, &mut link);
    }
}

#[test]
fn an_unknown_program_name_is_an_error_and_not_claude_code() {
    let env = TestEnv::new();
    for name in ["claviger-helper-crush", "claviger-helper-"] {
        let parts = [name, "claude-code, claude-desktop, codex", "--client"];
        run(&mut env.linked(name, &[])).failed(2, &parts);
        assert_eq!(run(&mut env.linked(name, &["--version"])).code, Some(0));
    }
    let mut binary = env.shim(&[]);
    binary.arg0(OsStr::from_bytes(b"claviger-helper-\xff\x1b[2J"));
    run(&mut binary).failed(2, &["unknown client"]);
}

#[test]
fn options_override_what_the_client_expects() {
    let env = TestEnv::new();
    let args = [
        "--cache-lifetime=1m30s",
        "--format=json",
        "--timeout-ms=60000",
    ];
    let mut link = env.linked("claviger-helper-hermes", &args);
    let (request, stdout) = answered(&env, &mut link);
    assert_eq!(request.client.as_deref(), Some("hermes"));
    assert_eq!(request.cache_lifetime_ms, 90_000);
    assert_eq!(request.format, Format::Json);
    assert!(request.deadline_ms > 8_000, "{}", request.deadline_ms);
    assert!(stdout.starts_with("{\"token\":"), "{stdout}");
}

#[test]
fn the_variable_of_claude_code_is_that_of_no_other_client() {
    for (name, lifetime_ms, ..) in CLIENTS {
        let is_its_own = name == "claude-code";
        let env = TestEnv::new();
        let mut shim = env.shim(&["--client", name]);
        shim.env("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "77000");
        let (request, _) = answered(&env, &mut shim);
        let expected = if is_its_own { 77_000 } else { lifetime_ms };
        assert_eq!(request.cache_lifetime_ms, expected, "{name}");
    }
}

#[test]
fn the_stated_reason_is_passed_on_if_it_is_a_short_text() {
    let longest = "x".repeat(MAX_LABEL_LEN);
    let over = format!("{longest}x");
    for (value, expected) in [
        (None, None),
        (Some(&b""[..]), None),
        (Some(b"mid-session-refresh"), Some("mid-session-refresh")),
        (Some(b"of a later version"), Some("of a later version")),
        (Some(longest.as_bytes()), Some(longest.as_str())),
        (Some(over.as_bytes()), None),
        (Some(b"background\xff"), None),
    ] {
        let env = TestEnv::new();
        let mut shim = env.shim(&["--client", "desktop"]);
        shim.envs(value.map(|value| ("CLAUDE_HELPER_CONTEXT", OsStr::from_bytes(value))));
        let (request, _) = answered(&env, &mut shim);
        assert_eq!(request.context.as_deref(), expected, "{value:?}");
    }
}

#[test]
fn copilot_has_a_gateway_variable_of_its_own() {
    for (name, expected) in [
        ("copilot", "https://copilot.example/v1"),
        ("codex", "https://anthropic.example"),
    ] {
        let env = TestEnv::new();
        let mut shim = env.shim(&["--client", name]);
        shim.env("ANTHROPIC_BASE_URL", "https://anthropic.example")
            .env("COPILOT_PROVIDER_BASE_URL", "https://copilot.example/v1");
        let (request, _) = answered(&env, &mut shim);
        assert_eq!(request.gateway.as_deref(), Some(expected), "{name}");
    }
}

#[test]
fn a_token_response_of_a_key_without_an_expiry_has_no_seconds() {
    let endless = Response::Credential {
        token: Token::new(SECRET.into()),
        expires_at: None,
        expires_in: None,
    };
    let expected = format!("{{\"access_token\":\"{SECRET}\",\"token_type\":\"Bearer\"}}\n");
    TestEnv::new()
        .answered(&["--client", "hermes"], &endless.encode())
        .printed(&expected);
}
