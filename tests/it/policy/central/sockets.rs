//! A second daemon of the same user, on another socket.

use std::fs;

use serde_json::Value;

use super::{Publisher, file, files, stored};
use crate::support::{KEY, TestEnv};

#[tokio::test]
async fn each_daemon_keeps_its_own_policy() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    let text = publisher.publish("").await;
    env.helper().await.printed(KEY);
    let usual = stored(&env);
    let file = file(&env);
    let newer = publisher
        .publish("[rule.off]\ndisabled = \"closed\"\n")
        .await;
    let socket = env.path("run/other.sock");
    let other = [("CLAVIGER_SOCKET", socket.to_str().unwrap())];
    env.helper_with(&[], &other).await.failed(7, &["closed"]);
    let read = |file| serde_json::from_slice::<Value>(&fs::read(file).unwrap()).unwrap();
    assert_eq!(read(&file), usual);
    assert_eq!(usual["policy"], text.trim());
    let mut files = files(&env);
    files.retain(|other| *other != file);
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(read(&files[0])["policy"], newer.trim());
    env.set_variable("CLAVIGER_SOCKET", socket.to_str().unwrap());
    env.claviger(&["stop"]).await.succeeded();
}
