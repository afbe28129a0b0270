//! `rotate_after`: keys from before are never given again.

use std::fs;

use claviger::clock::{Clock as _, SystemClock};
use serde_json::json;

use super::{Publisher, audit, rotation, stop, until_in_force};
use crate::support::{
    KEY, TestEnv,
    fingerprint::fingerprint,
    key_fixture::{KeyFixture, SECOND, THIRD},
    memory::Needle,
    poll::{SOON, until},
};

#[tokio::test]
async fn the_key_of_a_program_is_replaced() {
    let publisher = Publisher::start().await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    env.add_secret(SECOND);
    let file = env.write_file("key", KEY);
    let program = env.write_program("corp-key", &format!("cat '{file}'"));
    env.write_config(&format!(
        "[profile.default]\nsource = \"corp\"\n[source.corp]\ntype = \"exec\"\n\
         command = [\"{program}\"]\n"
    ));
    publisher.configure(&env, "");
    publisher.publish("").await;
    env.helper().await.printed(KEY);
    env.write_file("key", SECOND);
    env.helper().await.printed(KEY);

    publisher
        .publish(&rotation(SystemClock.now().wall).await)
        .await;
    until_in_force(&env, 2).await;
    for _ in 0..3 {
        env.helper().await.printed(SECOND);
    }
    let [old, new] = [KEY, SECOND].map(fingerprint);
    let is_of_new = |record: &&String| record.starts_with("grant") && record.ends_with(&new);
    let story = audit::story_until(&env, "the grants of the new key", |story| {
        story.iter().filter(is_of_new).count() == 3
    })
    .await;
    let accepted = story
        .iter()
        .rposition(|it| it.starts_with("policy accepted"));
    let after = &story[accepted.unwrap()..];
    assert!(
        after.contains(&format!("change obtained policy {new}")),
        "{story:#?}"
    );
    assert!(!after.iter().any(|it| it.ends_with(&old)), "{story:#?}");
    let pid = env.daemon_pid().unwrap();
    assert_eq!(Needle::text("key", KEY).copies(pid), []);

    // A daemon that starts later obtains its keys after the rotation.
    stop(&env).await;
    env.helper().await.printed(SECOND);
}

/// A version of a secret counts from its creation, whenever it was read.
#[tokio::test]
async fn an_old_version_in_vault_is_never_given_again() {
    let publisher = Publisher::start().await;
    let fixture = KeyFixture::start("off").await;
    let env = &fixture.env;
    publisher.configure(env, "");
    publisher.publish("").await;
    env.helper().await.printed(KEY);

    let rotated = SystemClock.now().wall;
    fixture.put(SECOND).await;
    fixture
        .gateway
        .accept(crate::support::answers::secret(SECOND));
    publisher.publish(&rotation(rotated).await).await;
    until_in_force(env, 2).await;
    env.helper().await.printed(SECOND);
    let obtained = format!("change obtained policy {}", fingerprint(SECOND));
    audit::until_recorded(env, &obtained).await;

    // The key leaks again, and its owner is late: no old one meanwhile.
    publisher
        .publish(&rotation(SystemClock.now().wall).await)
        .await;
    until_in_force(env, 3).await;
    let outdated = env.helper().await;
    let rejected = [
        "claviger: the policy rejects keys issued before ",
        "source 'vault' of profile 'default' still returns the key ",
        "(version 2, ",
        "\nhint: ask the administrator of source 'vault' for a new key",
    ];
    outdated.failed(7, &rejected);
    stop(env).await;
    env.helper().await.failed(7, &rejected);
    fixture.put(THIRD).await;
    fixture
        .gateway
        .accept(crate::support::answers::secret(THIRD));
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(THIRD);
    let granted = |story: &[String], key: &str| {
        let key = fingerprint(key);
        story
            .iter()
            .skip_while(|it| !it.starts_with("policy accepted"))
            .any(|it| it.starts_with("grant") && it.ends_with(&key))
    };
    audit::story_until(env, "grants of both keys", |story| {
        granted(story, SECOND) && granted(story, THIRD)
    })
    .await;
    assert_eq!(fixture.bao.count("read", "secret/data/k"), fixture.reads());
    assert_eq!(env.status().await["profiles"][0]["version"], json!(3));
}

/// A program that has read the old key before the rotation, and prints it after it.
#[tokio::test]
async fn a_key_that_was_under_way_at_the_rotation_is_not_given() {
    let publisher = Publisher::start().await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    env.add_secret(SECOND);
    let file = env.write_file("key", KEY);
    let [read, go] = ["read", "go"].map(|name| env.path("secrets").join(name));
    let script = format!(
        "key=$(cat '{file}'); echo >>'{}'; while [ ! -e '{}' ]; do sleep 0.05; done; echo $key",
        read.display(),
        go.display()
    );
    let program = env.write_program("slow-key", &script);
    env.write_config(&format!(
        "[profile.default]\nsource = \"slow\"\n[source.slow]\ntype = \"exec\"\n\
         command = [\"{program}\"]\ntimeout = \"60s\"\n"
    ));
    publisher.configure(&env, "");
    publisher.publish("").await;
    let waiting = env.helper();
    let rotate = async {
        until("the program has read the key", SOON, async || read.exists()).await;
        env.write_file("key", SECOND);
        let rule = rotation(SystemClock.now().wall).await;
        publisher.publish(&rule).await;
        until_in_force(&env, 2).await;
        fs::write(&go, "").unwrap();
    };
    let (output, ()) = tokio::join!(waiting, rotate);
    output.printed(SECOND);
    env.helper().await.printed(SECOND);
}
