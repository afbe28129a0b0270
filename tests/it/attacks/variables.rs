//! Variables that a configuration reads from the asking client, and those that it does not read.

use std::fs;

use super::{OWN, Scene};
use crate::support::{
    answers::{answer, answers, secret},
    namespace::User,
};

/// A source whose key ends in the client's `TEAM`.
const TEAM: &str = r#"
[profile.default]
source = "s"
[source.s]
type = "exec"
command = ["/bin/sh", "-c", "echo $PATH >>/tmp/path; echo sk-of-$1", "sh", "{env:TEAM}"]
"#;

/// The repository sets the variable that picks the key. Result: its client gets the entry of that
/// value, and the clean clients theirs, from one daemon.
#[tokio::test]
async fn the_repositorys_value_is_an_entry_of_its_own() {
    let mut scene = Scene::new(TEAM).await;
    scene
        .gateway
        .set_keys([secret("sk-of-core"), secret("sk-of-evil")]);
    let clean = [("TEAM", "core")];
    let machine = &scene.machine;
    machine.helper(User::Ana, &clean).printed("sk-of-core");
    // Its helper starts the daemon.
    let is_answered = scene.attack(&[("TEAM", "evil")]).await;
    assert!(is_answered, "{}", scene.client.transcript());
    assert_eq!(
        answers(&scene.gateway).last(),
        Some(&answer(200, "sk-of-evil"))
    );
    let machine = &scene.machine;
    machine.helper(User::Ana, &clean).printed("sk-of-core");
    machine
        .helper(User::Ana, &[])
        .failed(2, &["'{env:TEAM}' is not set"]);
}

/// Without malice: ana's first terminal has a search path, a proxy, a CA and a team. Result: none
/// of them is the second terminal's.
#[tokio::test]
async fn the_first_terminal_decides_nothing_for_the_others() {
    let scene = Scene::new(TEAM).await;
    let first = [
        ("HOME", "/home/ana"),
        ("PATH", "/home/ana/venv/bin:/usr/bin:/bin"),
        ("HTTPS_PROXY", "http://proxy.test:3128"),
        ("SSL_CERT_FILE", "/home/ana/venv/ca.pem"),
        ("VIRTUAL_ENV", "/home/ana/venv"),
        ("TEAM", "first"),
    ];
    scene
        .machine
        .helper(User::Ana, &first)
        .printed("sk-of-first");
    let second = [("HOME", "/home/ana"), ("TEAM", "second")];
    scene
        .machine
        .helper(User::Ana, &second)
        .printed("sk-of-second");
    let paths = fs::read_to_string(scene.machine.outside("/tmp/path")).unwrap();
    let paths: Vec<_> = paths.lines().collect();
    assert!(paths.len() == 2 && paths[0] == paths[1], "{paths:?}");
    let pid = {
        let status = scene
            .machine
            .run(User::Ana, "claviger", &["status", "--json"], &second);
        let status: serde_json::Value = serde_json::from_str(status.succeeded()).unwrap();
        status["daemon"]["pid"].as_u64().unwrap()
    };
    // Of all processes in the namespace, the daemon is the one with this identifier there.
    let environ = scene.machine.outside(&format!("/proc/{pid}/environ"));
    let environ = fs::read(environ).unwrap();
    let environ = String::from_utf8_lossy(&environ);
    for part in ["venv", "proxy.test", "TEAM", OWN] {
        assert!(!environ.contains(part), "{part}: {environ}");
    }
    assert!(environ.contains("HOME=/home/ana"), "{environ}");
}
