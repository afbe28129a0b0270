//! `disabled`: no keys for all, for a user, for a profile.

use std::{fs, path::PathBuf, process::Command};

use super::{Publisher, audit, stop, until_in_force};
use crate::support::{
    KEY, TestEnv,
    fingerprint::fingerprint,
    memory::Needle,
    poll::{SOON, until},
};

const MESSAGE: &str = "the gateway is being rebuilt; call 1234";

/// The lines of a rule that disables keys.
fn disabled(more: &str) -> String {
    format!("[rule.rebuild]\ndisabled = \"{MESSAGE}\"\n{more}\n")
}

#[tokio::test]
async fn the_kill_switch_ends_all_keys_until_a_newer_policy() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    publisher.publish("").await;
    env.helper().await.printed(KEY);
    let key = Needle::text("key", KEY);
    let pid = env.daemon_pid().unwrap();
    assert!(!key.copies(pid).is_empty());

    publisher.publish(&disabled("")).await;
    until_in_force(&env, 2).await;
    // Before any request.
    until("the key is dropped from memory", SOON, async || {
        key.copies(pid).is_empty()
    })
    .await;
    let denied = [
        "claviger: no key for profile 'default': ",
        MESSAGE,
        "(rule 'rebuild' of the company's policy)",
        "\nhint: ask the administrators",
    ];
    env.helper().await.failed(7, &denied);
    env.claviger(&["refresh"]).await.failed(7, &denied);
    env.claviger(&["login"]).await.failed(7, &denied);
    let exec = ["exec", "--env", "KEY", "--", "/bin/true"];
    env.claviger(&exec).await.failed(7, &denied);
    let is_refusal = |record: &&String| record.starts_with("refusal denied");
    let story = audit::story_until(&env, "two refusals", |story| {
        story.iter().filter(is_refusal).count() >= 2
    })
    .await;
    let dropped = format!("change dropped policy {}", fingerprint(KEY));
    assert!(story.contains(&dropped), "{story:#?}");
    assert!(
        !story
            .iter()
            .any(|record| record.contains("obtained forced"))
    );
    // A daemon that starts has it from its file.
    stop(&env).await;
    env.helper().await.failed(7, &denied);

    publisher.publish("").await;
    until_in_force(&env, 3).await;
    env.helper().await.printed(KEY);
    audit::is_whole(&env).await;
}

#[tokio::test]
async fn one_user_can_be_disabled_and_not_the_others() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    let own = Command::new("id").arg("-un").output().unwrap();
    let own = String::from_utf8(own.stdout).unwrap();
    let own = own.trim();
    publisher
        .publish(&disabled(&format!("users = [\"{own}x\", \"ana\"]")))
        .await;
    env.helper().await.printed(KEY);
    stop(&env).await;
    // Case makes no difference.
    let upper = own.to_uppercase();
    publisher
        .publish(&disabled(&format!("users = [\"ana\", \"{upper}\"]")))
        .await;
    env.helper().await.failed(7, &[MESSAGE]);
}

#[tokio::test]
async fn one_profile_can_be_disabled_and_not_the_others() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    env.edit_config(|config| format!("{config}[profile.other]\nsource = \"corp\"\n"));
    publisher.configure(&env, "");
    publisher.publish("").await;
    for profile in ["default", "other"] {
        let output = env.helper_with(&["--profile", profile], &[]).await;
        output.printed(KEY);
    }
    publisher.publish(&disabled("profiles = [\"other\"]")).await;
    until_in_force(&env, 2).await;
    env.helper().await.printed(KEY);
    let other = env.helper_with(&["--profile", "other"], &[]).await;
    other.failed(7, &["'other'", MESSAGE]);
    let dropped = |profile: &str| {
        let records = audit::records(&env);
        let mut records = records.iter();
        records.any(|record| record["outcome"] == "dropped" && record["profile"] == profile)
    };
    until(
        "the key of the other profile is dropped",
        SOON,
        async || dropped("other"),
    )
    .await;
    assert!(!dropped("default"));
    // 'refresh' of all is that of the others.
    let refresh = env.claviger(&["refresh", "default"]).await;
    refresh.succeeded();
    let refresh = env.claviger(&["refresh"]).await;
    assert_eq!(refresh.code, Some(7), "{refresh:?}");
}

/// A machine whose program says that it runs and waits until a file exists; returns both files.
fn with_slow_program() -> (TestEnv, PathBuf, PathBuf) {
    let env = TestEnv::new();
    env.add_secret(KEY);
    let (started, go) = (env.path("secrets/started"), env.path("secrets/go"));
    let script = format!(
        "echo >> '{}'; while [ ! -e '{}' ]; do sleep 0.05; done; echo {KEY}",
        started.display(),
        go.display()
    );
    let program = env.write_program("slow-key", &script);
    env.write_config(&format!(
        "[profile.default]\nsource = \"slow\"\n[source.slow]\ntype = \"exec\"\n\
         command = [\"{program}\"]\ntimeout = \"60s\"\n"
    ));
    (env, started, go)
}

#[tokio::test]
async fn a_client_that_waits_for_its_key_is_refused_when_the_policy_comes() {
    let publisher = Publisher::start().await;
    let (env, started, go) = with_slow_program();
    publisher.configure(&env, "");
    publisher.publish("").await;
    let waiting = env.helper();
    let disable = async {
        until("the program runs", SOON, async || started.exists()).await;
        publisher.publish(&disabled("")).await;
    };
    let (refused, ()) = tokio::join!(waiting, disable);
    refused.failed(7, &[MESSAGE]);
    // The key that the program prints is not kept.
    fs::write(&go, "").unwrap();
    until("the fetch ends", SOON, async || {
        env.log().contains("obtained a credential")
    })
    .await;
    publisher.publish("").await;
    until_in_force(&env, 3).await;
    assert_eq!(env.status().await["profiles"][0]["state"], "empty");
    env.helper().await.printed(KEY);
}
