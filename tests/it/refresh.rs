//! `claviger refresh` of several profiles.

use serde_json::Value;

use crate::support::{KEY, TestEnv, fingerprint::fingerprint};

/// A machine with the profiles `a` (fails with a message), `b` (prints a key) and `c` (prints no
/// key).
fn three_profiles() -> TestEnv {
    let env = TestEnv::new();
    env.add_secret(KEY);
    let profile = |name: &str, script: &str| {
        let program = env.write_program(name, script);
        format!(
            "[profile.{name}]\nsource = \"of-{name}\"\n[source.of-{name}]\ntype = \"exec\"\ncommand = [\"{program}\"]\n"
        )
    };
    env.write_config(&format!(
        "{}{}{}",
        profile("a", "echo no ticket >&2; exit 9"),
        profile("b", &format!("echo {KEY}")),
        profile("c", "echo two words"),
    ));
    env
}

#[tokio::test]
async fn the_table_comes_first_then_every_failure_and_the_first_code() {
    let env = three_profiles();
    let output = env.claviger(&["refresh"]).await;
    assert_eq!(output.code, Some(5), "{output:?}");
    let row = |name: &str| {
        let row = output.stdout.lines().find(|line| line.starts_with(name));
        row.unwrap_or_else(|| panic!("{output:?}")).to_owned()
    };
    assert!(row("a ").contains("unreachable"));
    assert!(row("b ").contains("ready") && row("b ").contains(&fingerprint(KEY)));
    assert!(row("c ").contains("unusable"));
    let problems: Vec<_> = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("claviger: "))
        .collect();
    assert_eq!(problems.len(), 2, "{output:?}");
    assert!(problems[0].starts_with("claviger: no key for profile 'a' from source 'of-a': "));
    assert!(problems[0].contains("no ticket"), "{output:?}");
    assert!(problems[1].starts_with("claviger: no key for profile 'c' from source 'of-c': "));
    assert_eq!(output.stderr.matches("hint: ").count(), 2);
    env.helper_with(&["--profile", "b"], &[]).await.printed(KEY);
}

#[tokio::test]
async fn json_has_the_failure_of_each_profile() {
    let env = three_profiles();
    let output = env.claviger(&["refresh", "--json"]).await;
    assert_eq!(output.code, Some(5), "{output:?}");
    let json: Value = serde_json::from_str(&output.stdout).unwrap();
    let failure = |index: usize| &json["profiles"][index]["failure"];
    assert_eq!(failure(0)["code"], 5);
    assert!(failure(1).is_null(), "{json}");
    assert_eq!(failure(2)["code"], 6);
    assert!(failure(2)["hint"].is_string() && failure(2)["message"].is_string());
    assert_eq!(json["profiles"][2]["error_code"], 6);
    // Of one profile, the failure alone says it all.
    env.claviger(&["refresh", "c"])
        .await
        .failed(6, &["profile 'c'", "source 'of-c'"]);
    assert!(
        env.claviger(&["refresh", "b"])
            .await
            .succeeded()
            .contains("ready")
    );
}

#[tokio::test]
async fn the_log_names_profile_source_and_client() {
    let env = three_profiles();
    env.set_variable("CLAVIGER_LOG", "debug");
    env.helper_with(&["--profile", "b"], &[]).await.printed(KEY);
    let background = [("CLAUDE_HELPER_CONTEXT", "scheduled-task")];
    env.helper_with(&["--profile", "a", "--client", "desktop"], &background)
        .await
        .failed(5, &["profile 'a'", "source 'of-a'"]);
    // What no version knows is not logged.
    let forged = [("CLAUDE_HELPER_CONTEXT", "forged")];
    env.helper_with(&["--profile", "b", "--client", "codex"], &forged)
        .await
        .printed(KEY);
    let log = env.log();
    let line = |part: &str, profile: &str| {
        let profile = format!("profile=\"{profile}\"");
        log.lines()
            .find(|line| line.contains(part) && line.contains(&profile))
            .unwrap_or_else(|| panic!("no {part:?} of {profile} in {log}"))
            .to_owned()
    };
    assert!(line(" obtained a credential", "b").contains("source=\"of-b\""));
    assert!(line("failed to obtain a credential", "a").contains("source=\"of-a\""));
    for (part, profile) in [("served a key", "b"), ("served no key", "a")] {
        let line = line(part, profile);
        let pid = format!("client={} ", std::process::id());
        assert!(
            line.contains(&pid) && line.contains("program=") && line.contains("shim="),
            "{line}"
        );
    }
    let served = line("served a key", "b");
    assert!(
        served.contains("client_kind=\"claude-code\"") && !served.contains("context="),
        "{served}"
    );
    let refused = line("served no key", "a");
    assert!(
        refused.contains("client_kind=\"claude-desktop\" context=\"background\""),
        "{refused}"
    );
    assert!(log.contains("client_kind=\"codex\""), "{log}");
    assert!(!log.contains("forged"), "{log}");
}
