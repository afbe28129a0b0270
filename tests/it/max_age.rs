//! A key without an expiry does not outlive `max_age` without its source.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Bao, KEY, TestEnv,
    bao::BaoOptions,
    key_fixture::advises,
    poll::{SOON, timed},
    until,
};

/// A machine with [`KEY`] in `bao`, which is not watched.
async fn env(bao: &Bao, max_age: &str) -> TestEnv {
    bao.put("k", json!({"api_key": KEY})).await;
    let env = TestEnv::with_token(bao, "secret/k", "watch = \"off\"").await;
    let table = format!("[profile.default]\nmax_age = \"{max_age}\"\n");
    env.edit_config(|config| config.replace("[profile.default]\n", &table));
    env
}

#[tokio::test]
async fn an_outage_is_outlived_for_max_age_and_announced_before_its_end() {
    let mut bao = Bao::start_with(BaoOptions {
        persistent: true,
        ..BaoOptions::default()
    })
    .await;
    let env = env(&bao, "4s").await;
    env.helper().await.printed(KEY);
    let profile = &env.status().await["profiles"][0];
    let seen = profile["seen_current_at"].as_str().unwrap().to_owned();
    assert!(profile["usable_until"].is_string(), "{profile}");
    assert!(!advises(profile, "max_age"), "{profile}");
    bao.kill();

    let mut warned = Value::Null;
    let refused = async {
        loop {
            let profile = env.status().await["profiles"][0].take();
            let output = env.helper().await;
            if output.code != Some(0) {
                return output;
            }
            output.printed(KEY);
            if advises(&profile, "'max_age'") {
                warned = profile;
            }
        }
    };
    let (output, took) = timed(tokio::time::timeout(SOON, refused)).await;
    let output = output.expect("it is refused in time");
    println!("with a max_age of 4 s: {took:?} from the outage to code 5");
    // What was a fraction of a second less is seen in whole seconds.
    assert!((3..6).contains(&took.as_secs()), "{took:?}");
    let since = format!("too old ('max_age'): last seen to be current at {seen}");
    let host = format!("'{}' refused the connection", bao.host());
    output.failed(5, &[&host, &since, "next try in"]);

    // `status` warned before, while the key was still served.
    assert_eq!(warned["state"], "ready", "{warned}");
    assert!(advises(&warned, &seen), "{warned}");
    assert!(
        warned["last_error"]
            .as_str()
            .unwrap()
            .contains("refused the connection"),
        "{warned}"
    );
    let refused = &env.status().await["profiles"][0];
    assert_eq!(refused["state"], "unreachable", "{refused}");
    assert_eq!(refused["error_code"], 5, "{refused}");

    bao.restart().await;
    until("it is served again", SOON * 2, async || {
        env.helper().await.code == Some(0)
    })
    .await;
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_key_that_its_source_confirms_is_served_on() {
    let bao = Bao::start().await;
    let env = env(&bao, "1s").await;
    env.helper().await.printed(KEY);
    let (_, took) = timed(until("three ages have passed", SOON, async || {
        env.helper().await.printed(KEY);
        bao.count("read", "secret/data/k") >= 6
    }))
    .await;
    assert!(took > Duration::from_secs(1), "{took:?}: read all the time");
}
