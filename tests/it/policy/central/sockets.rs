//! A second daemon of the same user, on another socket.

use std::fs;

use super::{Publisher, stored};
use crate::support::{KEY, TestEnv};

#[tokio::test]
async fn each_daemon_keeps_its_own_policy() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    let text = publisher.publish("").await;
    env.helper().await.printed(KEY);
    let usual = stored(&env);
    let newer = publisher
        .publish("[rule.off]\ndisabled = \"closed\"\n")
        .await;
    let socket = env.path("run/other.sock");
    let other = [("CLAVIGER_SOCKET", socket.to_str().unwrap())];
    env.helper_with(&[], &other).await.failed(7, &["closed"]);
    assert_eq!(stored(&env), usual);
    assert_eq!(usual["policy"], text.trim());
    let files = fs::read_dir(env.state_dir()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|name| name.starts_with("policy") && name.ends_with(".json"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    let file = fs::read(env.state_dir().join(&names[0])).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(file["policy"], newer.trim(), "{names:?}");
    env.set_variable("CLAVIGER_SOCKET", socket.to_str().unwrap());
    env.claviger(&["stop"]).await.succeeded();
}
