//! The managed settings win over all others, in each version of the client.

use claviger::demo::gateway::TestGateway;
use serde_json::{Value, json};

use super::{
    bypasses::{SHELL_WINS, everything, settings},
    fleet::{FOREIGN, Fleet, KEY},
};
use crate::support::{
    Upstream,
    answers::{answer, answers, secret},
    claude::ClaudeCode,
    upstream::respond,
};

/// Takes a turn, which must reach the company's gateway with Claviger's key and no other server.
async fn assert_served(
    client: &ClaudeCode,
    args: &[&str],
    gateway: &TestGateway,
    hostile: &Upstream,
) {
    let before = answers(gateway).len();
    let output = client.turn_with(args, "What is up?").await;
    assert!(output.status.success(), "{args:?}: {output:?}");
    let answers = answers(gateway);
    assert!(answers.len() > before, "{args:?}");
    for answered in &answers[before..] {
        assert_eq!(*answered, answer(200, KEY), "{args:?}");
    }
    assert_eq!(
        hostile.connections(),
        0,
        "{args:?}: {:?}",
        hostile.requests()
    );
    assert!(!client.transcript().contains(KEY));
}

/// Hostile user settings, project settings, `--settings` and shell, each with another helper,
/// another server and every variable that gets round the helper, but for those of `excepted`.
async fn managed_settings_win(version: &str, excepted: &[&str]) {
    let gateway = TestGateway::start([secret(KEY)]).await.unwrap();
    let hostile = Upstream::start(respond("400 Bad Request", "application/json", &[], "{}")).await;
    let fleet = Fleet::new(version, &gateway.url());
    let mut variables = everything(&hostile.url());
    variables.retain(|(name, _)| !excepted.contains(name));
    let all = settings(&variables);

    let mut client = fleet.client();
    client.add_settings(&all);
    assert_served(&client, &[], &gateway, &hostile).await;
    assert_served(&client, &["--setting-sources", "user"], &gateway, &hostile).await;

    for name in ["settings.json", "settings.local.json"] {
        let mut client = fleet.client();
        client.enter_project(&[]);
        fleet.write(&format!("/home/ana/project/.claude/{name}"), &all);
        assert_served(&client, &[], &gateway, &hostile).await;
        fleet.write(&format!("/home/ana/project/.claude/{name}"), &json!({}));
    }

    let client = fleet.client();
    assert_served(
        &client,
        &["--settings", &all.to_string()],
        &gateway,
        &hostile,
    )
    .await;

    let mut client = fleet.client();
    for (name, value) in &variables {
        if !SHELL_WINS.contains(name) {
            client.set_shell_variable(name, value);
        }
    }
    assert_served(&client, &[], &gateway, &hostile).await;
}

#[tokio::test]
async fn managed_settings_win_over_all_others() {
    managed_settings_win("claude", &[]).await;
}

/// It reads the variable of a socket before any settings, but from all of them.
#[tokio::test]
async fn managed_settings_win_in_an_older_client() {
    managed_settings_win("claude-2.1.197", &["ANTHROPIC_UNIX_SOCKET"]).await;
}

#[tokio::test]
async fn managed_settings_win_in_a_newer_client() {
    managed_settings_win("claude-2.1.332", &[]).await;
}

/// The client's requests to the gateway, which answers each with an error that ends the turn.
async fn requests(client: &ClaudeCode, args: &[&str], gateway: &Upstream) -> Vec<String> {
    let before = gateway.connections();
    client.turn_with(args, "What is up?").await;
    let mut sent = gateway.requests().split_off(before);
    // The daemon probes the gateway, and the client looks whether it is there.
    sent.retain(|request| request.starts_with("POST "));
    sent
}

/// What managed settings do not close; `claviger doctor` names it, and the README lists it.
async fn what_remains_open(version: &str) {
    let error = respond("400 Bad Request", "application/json", &[], "{}");
    let gateway = Upstream::start(error.clone()).await;
    let hostile = Upstream::start(error).await;
    let fleet = Fleet::new(version, &gateway.url());

    // The helper does not run: the turn has no key, or that of a helper in --settings.
    let client = fleet.client();
    let sent = requests(&client, &["--bare"], &gateway).await;
    assert!(
        !sent.iter().any(|request| request.contains(KEY)),
        "{sent:?}"
    );
    let helper = json!({ "apiKeyHelper": format!("echo {FOREIGN}") }).to_string();
    let sent = requests(&client, &["--bare", "--settings", &helper], &gateway).await;
    assert!(
        !sent.iter().any(|request| request.contains(KEY)),
        "{sent:?}"
    );

    // A host program's variable of the shell: its server, although the managed one is empty.
    let mut client = fleet.client();
    client.set_shell_variable("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "1");
    client.set_shell_variable("ANTHROPIC_BASE_URL", &hostile.url());
    client.set_shell_variable("ANTHROPIC_AUTH_TOKEN", FOREIGN);
    let sent = requests(&client, &[], &gateway).await;
    assert_eq!(sent, Vec::<String>::new());
    assert!(hostile.connections() > 0, "{version}");

    // A login that the administrator demands refuses every helper.
    for demand in [
        json!({ "forceLoginMethod": "claudeai" }),
        json!({ "forceLoginOrgUUID": "11111111-1111-1111-1111-111111111111" }),
    ] {
        let mut managed: Value = fleet.settings().clone();
        managed
            .as_object_mut()
            .unwrap()
            .extend(demand.as_object().unwrap().clone());
        fleet.manage(&managed);
        let sent = requests(&fleet.client(), &[], &gateway).await;
        assert_eq!(sent, Vec::<String>::new(), "{version} {demand}");
    }
}

#[tokio::test]
async fn what_managed_settings_do_not_close_is_known() {
    what_remains_open("claude").await;
}

#[tokio::test]
async fn what_they_do_not_close_in_an_older_client_is_known() {
    what_remains_open("claude-2.1.197").await;
}

#[tokio::test]
async fn what_they_do_not_close_in_a_newer_client_is_known() {
    what_remains_open("claude-2.1.332").await;
}
