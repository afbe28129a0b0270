//! What must not replace the last good policy. The last good one denies the profile `other`, and an
//! attacker would like an older one, or none.

use std::fs;

use super::{Publisher, audit, file, policy_records, stop, stored, until_in_force, until_recorded};
use crate::support::{
    KEY, TestEnv,
    poll::until,
    upstream::{UpstreamReply, redirect_to, respond},
};

const MESSAGE: &str = "your laptop was reported stolen";

const RULE: &str = "[rule.stolen]\nprofiles = [\"other\"]\n\
                    disabled = \"your laptop was reported stolen\"\n";

/// A machine with the profiles `default` and `other`, and a policy with the counter 5 that was
/// seen.
struct Scene {
    publisher: Publisher,
    env: TestEnv,
    good: String,
}

impl Scene {
    async fn new() -> Self {
        let publisher = Publisher::start().await;
        let env = TestEnv::with_fixed_key();
        env.edit_config(|config| format!("{config}[profile.other]\nsource = \"corp\"\n"));
        publisher.configure(&env, "");
        let good = publisher.sign_as(5, RULE).await;
        publisher.replace(good.as_bytes());
        let scene = Self {
            publisher,
            env,
            good,
        };
        scene.assert_in_force().await;
        scene
    }

    /// Asserts that the last good policy is what requests are judged by.
    async fn assert_in_force(&self) {
        self.env.helper().await.printed(KEY);
        let other = self.env.helper_with(&["--profile", "other"], &[]).await;
        other.failed(7, &[MESSAGE]);
    }

    /// Asserts that the look of a daemon that starts has this outcome with this message, and that
    /// the last good policy stays in force.
    async fn assert_kept(&self, outcome: &str, message: &str) {
        stop(&self.env).await;
        let before = policy_records(&self.env, outcome).len();
        self.assert_in_force().await;
        let record = until_recorded(&self.env, outcome, before + 1).await;
        let found = record["message"].as_str().unwrap();
        assert!(found.contains(message), "{message}: {record}");
        assert_eq!(record["policy"], 5, "{record}");
        assert_eq!(stored(&self.env)["policy"], self.good.trim());
    }
}

#[tokio::test]
async fn nothing_but_a_newer_policy_replaces_the_last_good_one() {
    let scene = Scene::new().await;
    let publisher = &scene.publisher;
    let older = publisher.sign_as(4, "").await;
    publisher.replace(older.as_bytes());
    let message = "has the counter 4, and the policy before has 5";
    scene.assert_kept("refused", message).await;

    let same = publisher.sign_as(5, "").await;
    publisher.replace(same.as_bytes());
    let message = "has the counter 5, which another policy before has";
    scene.assert_kept("refused", message).await;

    let foreign = Publisher::start().await.sign_as(6, "").await;
    publisher.replace(foreign.as_bytes());
    let message = "which is not one of the pinned keys";
    scene.assert_kept("failed", message).await;

    let newer = publisher.sign_as(6, "").await;
    for position in [newer.len() / 2, newer.trim_end().len() - 10] {
        let mut changed = newer.clone().into_bytes();
        changed[position] = if changed[position] == b'A' {
            b'B'
        } else {
            b'A'
        };
        publisher.replace(&changed);
        scene.assert_kept("failed", "the answer ").await;
    }
    publisher.replace(&newer.as_bytes()[..newer.len() / 2]);
    scene.assert_kept("failed", "the answer ").await;
    publisher.replace(b"");
    scene.assert_kept("failed", "the answer ").await;
    publisher.replace(&[b'A'; 256 * 1024 + 1]);
    scene.assert_kept("failed", "larger than 256 KiB").await;

    // With the key of the company, and the unknown key of a newer version.
    let unknown = publisher.sign_with_unknown_key(6).await;
    publisher.replace(unknown.as_bytes());
    let message = "not valid for this version of Claviger";
    scene.assert_kept("failed", message).await;

    publisher.replace(newer.as_bytes());
    stop(&scene.env).await;
    let other = scene.env.helper_with(&["--profile", "other"], &[]).await;
    other.printed(KEY);
    audit::is_whole(&scene.env).await;
}

#[tokio::test]
async fn no_other_server_ends_the_last_good_policy() {
    let mut scene = Scene::new().await;
    let portal = "<html><body>Sign in to the hotel's network</body></html>";
    let older = scene.publisher.sign_as(4, "").await;
    let elsewhere =
        crate::support::Upstream::start(respond("200 OK", "application/octet-stream", &[], &older))
            .await;
    for (reply, message) in [
        (
            respond("200 OK", "text/html", &[], portal),
            "the answer is a web page",
        ),
        (
            redirect_to("302 Found", elsewhere.url()),
            "unexpected status 302",
        ),
        (
            respond("500 Internal Server Error", "text/plain", &[], "no"),
            "unexpected status 500",
        ),
        (
            respond("404 Not Found", "text/plain", &[], ""),
            "unexpected status 404",
        ),
        // Not an answer to this request.
        (
            respond("412 Precondition Failed", "text/plain", &[], ""),
            "unexpected status 412",
        ),
        (UpstreamReply::Close, "dropped the connection"),
        (UpstreamReply::Silence, "timed out after 5s"),
    ] {
        scene.publisher.answer(reply).await;
        scene.assert_kept("failed", message).await;
    }
    assert_eq!(elsewhere.connections(), 0, "no redirect was followed");
    scene.publisher.stop().await;
    scene.assert_kept("failed", "refused the connection").await;
}

/// Within one daemon, which looks each 10 s.
#[tokio::test]
async fn a_refused_policy_is_recorded_once_and_not_at_each_look() {
    let scene = Scene::new().await;
    let (publisher, env) = (&scene.publisher, &scene.env);
    let older = publisher.sign_as(4, "").await;
    publisher.replace(older.as_bytes());
    until_recorded(env, "refused", 1).await;
    let looks = publisher.statuses().len();
    until("another look has found it", super::LOOK_LIMIT, async || {
        publisher.statuses().len() == looks + 1
    })
    .await;
    // The next outcome is recorded after that of this look.
    let newer = publisher.sign_as(6, "").await;
    publisher.replace(newer.as_bytes());
    until_in_force(env, 6).await;
    assert_eq!(policy_records(env, "refused").len(), 1);
    assert_eq!(policy_records(env, "failed").len(), 0);
    assert_eq!(env.log().matches("event=\"policy-refused\"").count(), 1);
    let other = env.helper_with(&["--profile", "other"], &[]).await;
    other.printed(KEY);
}

/// The audit log has its counter, which the user cannot lower unnoticed.
#[tokio::test]
async fn an_older_policy_stays_refused_after_the_users_file_is_gone() {
    let scene = Scene::new().await;
    let (publisher, env) = (&scene.publisher, &scene.env);
    let older = publisher.sign_as(4, "").await;
    publisher.replace(older.as_bytes());
    let file = file(env);
    for _ in 0..2 {
        stop(env).await;
        fs::remove_file(&file).unwrap();
        let refused = "the published policy has the counter 4, and at least 5 is required";
        env.helper().await.failed(7, &["has not arrived", refused]);
        assert!(!file.exists());
        fs::write(&file, "{}").unwrap();
    }
    audit::is_whole(env).await;
    publisher.replace(scene.good.as_bytes());
    stop(env).await;
    scene.assert_in_force().await;
}

/// What the user writes into the file is judged as what a server sends.
#[tokio::test]
async fn a_file_that_the_user_writes_is_no_policy() {
    let mut scene = Scene::new().await;
    let older = scene.publisher.sign_as(4, "").await;
    let foreign = Publisher::start().await.sign_as(9, "").await;
    scene.publisher.stop().await;
    let file = file(&scene.env);
    let good = stored(&scene.env);
    for text in [older, foreign] {
        stop(&scene.env).await;
        let mut policy = good.clone();
        policy["policy"] = text.trim().into();
        fs::write(&file, policy.to_string()).unwrap();
        let missing = scene.env.helper().await;
        missing.failed(7, &["has not arrived", "refused the connection"]);
    }
}

#[tokio::test]
async fn the_configuration_has_the_last_word_with_its_minimum() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "minimum_counter = 2\n");
    publisher.publish("").await;
    let message = "has the counter 1, and at least 2 is required";
    env.helper().await.failed(7, &[message]);
    stop(&env).await;
    publisher.publish("").await;
    env.helper().await.printed(KEY);
    stop(&env).await;
    // Also for what is stored.
    env.edit_config(|config| config.replace("minimum_counter = 2", "minimum_counter = 3"));
    env.helper().await.failed(7, &["at least 3"]);
}
