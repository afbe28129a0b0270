//! Which records a story leaves.

use serde_json::Value;

use super::{is_whole, records, story, until_recorded};
use crate::support::{
    KEY, TestEnv,
    answers::secret,
    fingerprint::fingerprint,
    key_fixture::{KeyFixture, SECOND, THIRD},
    poll::{SOON, until},
};

#[tokio::test]
async fn a_story_leaves_a_record_of_each_grant_and_each_change() {
    let fixture = KeyFixture::start("30s").await;
    let env = &fixture.env;
    let [first, second, third] = [KEY, SECOND, THIRD].map(fingerprint);
    env.helper().await.printed(KEY);
    fixture.until_probed("accepted").await;
    env.helper().await.printed(KEY);
    fixture.put(SECOND).await;
    fixture.gateway.accept(secret(SECOND));
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(SECOND);
    // The old key is revoked, and the client says that it has met a 401.
    fixture.put(THIRD).await;
    fixture.gateway.set_keys([secret(THIRD)]);
    let stated = [("CLAUDE_HELPER_CONTEXT", "mid-session-refresh")];
    env.helper_with(&[], &stated).await.printed(THIRD);
    env.claviger(&["logout"]).await.succeeded();
    let logout = format!("logout stays-valid - {third}");
    until_recorded(env, &logout).await;
    let expected = [
        format!("change obtained first {first}"),
        format!("grant served fetched {first}"),
        format!("grant served cached {first}"),
        format!("change obtained forced {second}"),
        format!("change promoted - {second}"),
        format!("grant served cached {second}"),
        format!("change rejected - {second}"),
        format!("change obtained 401-stated {third}"),
        format!("change promoted - {third}"),
        format!("grant served 401-stated {third}"),
        logout,
    ];
    assert_eq!(story(env), expected);

    let records = records(env);
    assert_eq!(records[0]["event"], "daemon");
    assert_eq!(records[0]["outcome"], "started");
    assert_eq!(records[1]["event"], "config");
    assert_eq!(records[1]["file"], env.config_file().to_str().unwrap());
    let granted = records.iter().find(|record| record["event"] == "grant");
    let granted = granted.unwrap();
    assert_eq!(granted["profile"], "default");
    assert_eq!(granted["source"], "vault");
    assert_eq!(granted["client"], "claude-code");
    // The client of the shims is this test.
    assert_eq!(granted["pid"], std::process::id());
    let own = std::env::current_exe().unwrap();
    assert_eq!(granted["executable"], own.to_str().unwrap());
    assert!(granted["started"].as_u64().unwrap() > 0);
    assert!(granted["shim_pid"].as_u64().unwrap() > 0);
    assert_eq!(granted["version"], 1);

    let report = is_whole(env).await;
    assert_eq!(report["records"], records.len());
    let tail = env.claviger(&["audit"]).await;
    let text = tail.succeeded();
    assert!(
        text.contains(&format!("served {first} v1 claude-code[")),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let json = env.claviger(&["audit", "tail", "-n", "1", "--json"]).await;
    let last: Value = serde_json::from_str(json.succeeded()).unwrap();
    assert_eq!(&last, records.last().unwrap());
    let metrics = env.claviger(&["metrics"]).await;
    let count = format!("claviger_audit_records_total {}", records.len());
    assert!(metrics.succeeded().contains(&count), "{metrics:?}");
}

#[tokio::test]
async fn refusals_are_recorded_with_their_code() {
    let env = TestEnv::with_script("exit 3");
    env.helper().await.failed(3, &[]);
    env.helper_with(&["--profile", "none"], &[])
        .await
        .failed(2, &["none"]);
    until("two refusals", SOON, async || {
        story(&env)
            .iter()
            .filter(|line| line.starts_with("refusal"))
            .count()
            == 2
    })
    .await;
    let records = records(&env);
    let refusals: Vec<_> = records
        .iter()
        .filter(|record| record["event"] == "refusal")
        .collect();
    assert_eq!(
        (&refusals[0]["code"], &refusals[0]["outcome"]),
        (&3.into(), &"login-required".into())
    );
    assert_eq!(
        (&refusals[1]["code"], &refusals[1]["profile"]),
        (&2.into(), &"none".into())
    );
    assert!(
        refusals[0]["message"].as_str().unwrap().contains("corp"),
        "{}",
        refusals[0]
    );
    is_whole(&env).await;
}
