//! From the package to the first answer of the real Claude Code, as on a developer's new machine.

use std::{fs, path::Path};

use claviger::demo::gateway::{GREETING, TestGateway};
use tokio::process::Command;

use super::{
    CLAVIGER,
    package::{Format, Version},
    root::Root,
};
use crate::support::{
    KEY,
    answers::{answer, answers, secret},
    namespace::User,
    poll::timed,
    test_env::ProgramOutput,
    tools::tool,
};

const CLIENT: &str = "/usr/local/bin/claude";

/// The administrator installs the package, the configuration and the settings that it prints; then
/// the user takes a turn.
async fn a_client_takes_its_first_turn(format: Format) {
    let gateway = TestGateway::start([secret(KEY)]).await.unwrap();
    let root = Root::debian();
    root.bind(&tool("claude"), CLIENT);
    let (_, installed) = timed(async { format.install(&root, Version::Own) }).await;
    let (_, configured) = timed(async { configure(&root, &gateway.url()) }).await;
    let (turn, turned) = timed(async {
        let mut client = root.command(User::Ana, CLIENT, &["-p", "What is up?"]);
        client
            .env("HOME", "/home/ana")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("DISABLE_AUTOUPDATER", "1");
        // The gateway answers in this process.
        let output = Command::from(client).output().await;
        ProgramOutput::from(output.unwrap())
    })
    .await;
    assert!(turn.succeeded().contains(GREETING), "{turn:?}");
    let answers = answers(&gateway);
    assert!(!answers.is_empty());
    for answered in answers {
        assert_eq!(answered, answer(200, KEY));
    }
    println!(
        "{format:?}: {:?} from the package to the client's answer: installed in {installed:?}, \
         configured in {configured:?}, the turn {turned:?}",
        installed + configured + turned
    );
}

/// Writes the managed configuration and Claude Code's managed settings for it.
fn configure(root: &Root, gateway: &str) {
    let config = format!(
        "version = 1\n[profile.default]\ngateway = \"{gateway}\"\nsource = \"s\"\n\
         [source.s]\ntype = \"exec\"\ncommand = [\"/bin/echo\", \"{KEY}\"]\n"
    );
    write(root, "/etc/claviger/config.toml", &config);
    let settings = root.run(User::Root, CLAVIGER, &["managed-settings"]);
    let drop_in = "/etc/claude-code/managed-settings.d/50-claviger.json";
    write(root, drop_in, settings.succeeded());
}

/// Writes a file that every user can read.
fn write(root: &Root, path: &str, text: &str) {
    let path = root.outside(path);
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn deb_a_client_takes_its_first_turn() {
    a_client_takes_its_first_turn(Format::Deb).await;
}

#[tokio::test]
async fn rpm_a_client_takes_its_first_turn() {
    a_client_takes_its_first_turn(Format::Rpm).await;
}
