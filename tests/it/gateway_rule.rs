//! A key goes only to a client that talks to the profile's gateway.

use std::time::Duration;

use claviger::demo::gateway::TestGateway;

use crate::support::{
    KEY, TestEnv, Upstream,
    answers::{answer, answers, secret},
    claude::ClaudeCode,
    until,
    upstream::respond,
};

const SOON: Duration = Duration::from_secs(20);

/// A password in a URL, which must be in no output.
const PASSWORD: &str = "hunter2-canary";

/// A machine with the profile `default`, whose table has these further lines.
fn env(keys: &str) -> TestEnv {
    let env = TestEnv::with_fixed_key();
    env.edit_config(|config| {
        config.replace(
            "[profile.default]\n",
            &format!("[profile.default]\n{keys}\n"),
        )
    });
    env
}

fn base_url(url: &str) -> [(&'static str, &str); 1] {
    [("ANTHROPIC_BASE_URL", url)]
}

#[tokio::test]
async fn a_client_of_another_gateway_gets_no_key_however_the_profile_is_picked() {
    let env = env("gateway = \"https://gw.example.com/eu\"");
    for (args, variables) in [
        (vec![], vec![]),
        (vec!["--profile", "default"], vec![]),
        (vec![], vec![("CLAVIGER_PROFILE", "default")]),
    ] {
        let with = |url| [&variables[..], &base_url(url)].concat();
        for (url, host) in [
            ("https://evil.test", "'https://evil.test'"),
            (
                "https://gw.example.com.evil.test/eu",
                "'https://gw.example.com.evil.test'",
            ),
            ("http://gw.example.com/eu", "'http://gw.example.com'"),
            ("https://gw.example.com@evil.test/eu", "'https://evil.test'"),
            (
                "https://evil.test\\@gw.example.com/eu",
                "'https://evil.test'",
            ),
            (
                "https://gw.example.com/",
                "another path on 'https://gw.example.com'",
            ),
            ("gw.example.com/eu", "an invalid URL"),
        ] {
            env.helper_with(&args, &with(url)).await.failed(
                7,
                &[
                    "'default' is for the gateway 'https://gw.example.com'",
                    host,
                ],
            );
        }
        for url in ["", " ", "https://GW.example.com:443/eu/"] {
            env.helper_with(&args, &with(url)).await.printed(KEY);
        }
        env.helper_with(&args, &variables).await.printed(KEY);
    }
}

#[tokio::test]
async fn further_gateways_are_matched_and_selected() {
    let env = env("gateways = [\"https://a.example.com\", \"http://127.0.0.1:4000\"]");
    env.edit_config(|config| {
        config + "[profile.other]\nsource = \"corp\"\ngateways = [\"https://b.example.com\"]\n"
    });
    for url in [
        "https://a.example.com",
        "http://127.1:4000",
        "https://b.example.com/",
    ] {
        env.helper_with(&[], &base_url(url)).await.printed(KEY);
    }
    env.helper_with(
        &["--profile", "default"],
        &base_url("https://b.example.com"),
    )
    .await
    .failed(7, &["hint: name profile 'other', whose gateway it is"]);

    env.edit_config(|config| {
        config.replace("[profile.default]", "[profile.default]\nany_gateway = true")
    });
    env.helper_with(&[], &base_url("https://evil.test"))
        .await
        .printed(KEY);
}

/// Copilot's own variable picks the profile and must be its gateway; without it the rule is that of
/// the other clients.
#[tokio::test]
async fn the_base_url_of_copilot_counts_in_the_same_way() {
    let env = env("gateway = \"https://gw.example.com/v1\"");
    env.edit_config(|config| {
        config + "[profile.other]\nsource = \"corp\"\ngateways = [\"https://b.example.com\"]\n"
    });
    let copilot = |url| ("COPILOT_PROVIDER_BASE_URL", url);
    let anthropic = |url| ("ANTHROPIC_BASE_URL", url);
    let (own, evil) = ("https://gw.example.com/v1/", "https://evil.test");
    for variables in [
        vec![copilot(own)],
        vec![copilot(own), anthropic(evil)],
        vec![copilot("https://b.example.com"), anthropic(evil)],
        vec![copilot(""), anthropic(own)],
        vec![],
    ] {
        env.helper_with(&["--client", "copilot"], &variables)
            .await
            .printed(KEY);
    }
    for variables in [
        vec![copilot(evil)],
        vec![copilot(evil), anthropic(own)],
        vec![anthropic(evil)],
    ] {
        env.helper_with(&["--client", "copilot"], &variables)
            .await
            .failed(7, &["COPILOT_PROVIDER_BASE_URL", "is 'https://evil.test'"]);
    }
    // It is no variable of another client.
    let variables = [copilot(evil), anthropic(own)];
    for client in ["claude-code", "codex", "pi", "hermes", "desktop"] {
        env.helper_with(&["--client", client, "--format=key"], &variables)
            .await
            .printed(KEY);
    }
}

#[tokio::test]
async fn a_password_in_the_base_url_is_in_no_output() {
    let env = env("gateway = \"https://gw.example.com\"");
    env.add_secret(PASSWORD);
    env.set_variable("CLAVIGER_LOG", "debug");
    let daemon = env.spawn_daemon();
    until("it listens", SOON, async || env.daemon_pid().is_some()).await;
    for url in [
        format!("https://ana:{PASSWORD}@gw.example.com"),
        format!("https://{PASSWORD}@evil.test/{PASSWORD}?{PASSWORD}#{PASSWORD}"),
        format!("mailto:{PASSWORD}"),
        PASSWORD.to_owned(),
    ] {
        env.helper_with(&[], &base_url(&url)).await.failed(7, &[]);
    }
    env.claviger(&["stop"]).await.succeeded();
    let output = daemon.wait_with_output().await.unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    env.record_output("the daemon's stderr", &log);
    assert_eq!(log.matches("gateway: Some(…)").count(), 4, "{log}");
}

/// Whether each request that a server has received carries the key.
fn has_key(server: &Upstream) -> Vec<bool> {
    let requests = server.requests().into_iter();
    requests.map(|request| request.contains(KEY)).collect()
}

/// A user's client in a repository that sets the base URL of an attacker's server. The client runs
/// the helper of its first request before it reads the repository's variables, so that the helper
/// cannot know the server that gets the key; at all later runs it does.
#[tokio::test]
async fn a_repository_gets_no_key_once_its_base_url_is_seen() {
    let gateway = TestGateway::start([secret(KEY)]).await.unwrap();
    let attacker =
        Upstream::start(respond("401 Unauthorized", "application/json", &[], "{}")).await;
    let env = env(&format!("gateway = \"{}\"", gateway.url()));
    let mut client = ClaudeCode::new(&env, &gateway.url(), &[]);
    client.enter_project(&base_url(&attacker.url()));
    let output = client.turn("What is up?").await;
    env.record_output("Claude Code", &client.transcript());
    assert!(!output.status.success(), "{output:?}");
    for part in [
        "apiKeyHelper failed: exited 7",
        &gateway.url(),
        &attacker.url(),
    ] {
        assert!(client.transcript().contains(part), "{part}: {output:?}");
    }
    let keys = has_key(&attacker);
    assert!(keys.len() > 1 && !keys[1..].contains(&true), "{keys:?}");
    assert_eq!(answers(&gateway), []);
}

/// What only managed settings prevent; see the test before.
#[tokio::test]
async fn a_repository_gets_nothing_if_managed_settings_set_the_base_url() {
    let gateway = TestGateway::start([secret(KEY)]).await.unwrap();
    let attacker =
        Upstream::start(respond("401 Unauthorized", "application/json", &[], "{}")).await;
    let env = env(&format!("gateway = \"{}\"", gateway.url()));
    let mut client = ClaudeCode::new(&env, &gateway.url(), &[]);
    client.enter_project(&base_url(&attacker.url()));
    client.manage(&base_url(&gateway.url()));
    let output = client.turn("What is up?").await;
    env.record_output("Claude Code", &client.transcript());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(answers(&gateway), [answer(200, KEY)]);
    assert_eq!(attacker.connections(), 0, "{:?}", attacker.requests());
}
