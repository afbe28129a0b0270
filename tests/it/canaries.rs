//! The search at the end of every test fails the test if a secret leaks, wherever it does.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde_json::json;

use crate::support::{Bao, KEY, TestEnv, canary::issued};

/// The leaks for which `env` fails its test.
fn leaks(env: TestEnv) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(env)));
    let payload = panic.expect_err("a secret leaked, and no test failed");
    payload.downcast_ref::<String>().unwrap().clone()
}

#[tokio::test]
async fn a_secret_in_a_file_fails_the_test() {
    for name in [
        "state/claviger/daemon.log",
        "state/claviger/daemon.log.1",
        "state/claviger/audit/audit.log",
        "home/.cache/claviger",
        "home/.bash_history",
        "config/claviger/other.toml",
        "run/claviger/report",
        "tmp/claviger-1234",
    ] {
        let env = TestEnv::with_fixed_key();
        fs::create_dir_all(env.path(name).parent().unwrap()).unwrap();
        fs::write(env.path(name), format!("got {KEY}\n")).unwrap();
        let leaks = leaks(env);
        assert!(leaks.contains(name) && !leaks.contains(KEY), "{leaks}");
    }
}

#[tokio::test]
async fn a_secret_that_a_program_prints_fails_the_test() {
    let env = TestEnv::with_fixed_key();
    // The message names the unknown command.
    env.claviger(&[KEY]).await;
    assert!(leaks(env).contains("a program's stderr"));

    let env = TestEnv::with_fixed_key();
    env.edit_config(|config| {
        config.replace(
            "source = \"corp\"",
            "source = \"corp\"\ngateway = \"https://canary.test\"",
        )
    });
    env.add_secret("canary.test");
    env.claviger(&["config", "show"]).await;
    let leaks = leaks(env);
    assert!(
        leaks.contains("the stdout of ") && !leaks.contains("canary.test"),
        "{leaks}"
    );
}

#[tokio::test]
async fn a_secret_in_an_argument_or_the_environment_of_a_program_fails_the_test() {
    for script in [
        "exec \"$0\" sk-canary-of-argv",
        "export X=sk-canary-of-argv; exec \"$0\" x",
    ] {
        let env = TestEnv::with_script(&format!("[ -n \"$1\" ] || {{ {script}; }}; echo {KEY}"));
        env.add_secret("sk-canary-of-argv");
        env.helper().await.printed(KEY);
        assert!(leaks(env).contains("/observed/corp-key"));
    }
}

#[tokio::test]
async fn a_secret_in_the_daemons_command_line_fails_the_test() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    env.add_secret(env.state_dir().to_str().unwrap());
    let leaks = leaks(env);
    assert!(leaks.contains("the cmdline of process"), "{leaks}");
}

/// Nothing declares them: what a server issues, and what the shim prints, is searched for anyway.
#[tokio::test]
async fn what_servers_issue_and_shims_print_is_searched_for() {
    let bao = Bao::start_with_key("k", "sk-canary-undeclared").await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.helper().await.printed("sk-canary-undeclared");
    issued::record("planted", "got sk-canary-undeclared");
    assert!(leaks(env).contains("planted"));

    let role = bao.enable_approle(json!({})).await;
    for secret in [
        role.secret_id,
        bao.create_token(json!({})).await,
        bao.create_wrapped_secret_id(&role.name).await,
    ] {
        let env = TestEnv::new();
        fs::write(env.path("home/file"), &secret).unwrap();
        let leaks = leaks(env);
        assert!(
            leaks.contains("home/file") && !leaks.contains(&secret),
            "{leaks}"
        );
    }
}
