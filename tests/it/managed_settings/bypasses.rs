//! The variables that the managed settings blank: each of them gets round the helper or the gateway
//! without that, and does not with it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use tokio::{net::UnixListener, sync::Notify};

use super::fleet::{FOREIGN, Fleet, KEY};
use crate::support::{Upstream, upstream::respond};

/// The variables that the client reads before any settings: a value in the shell remains.
pub(super) const SHELL_WINS: [&str; 2] = [
    "ANTHROPIC_UNIX_SOCKET",
    "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",
];

/// A variable that replaces no key. After a turn that was answered, the client asks Anthropic's own
/// servers because of it, for 20 s if they do not answer.
const ASKS_ANTHROPIC: &str = "CLAUDE_CODE_OAUTH_TOKEN";

/// A socket on the machine, whose server is hostile, too.
const SOCKET: &str = "/tmp/hostile.sock";

/// Each variable with those that it needs, with values that lead to `hostile`.
fn variables(hostile: &str) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let flag = |name, more: &[(&'static str, &str)]| {
        let more = more
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        (
            name,
            [(name, "1".to_owned())].into_iter().chain(more).collect(),
        )
    };
    let value = |name, value: &str| (name, vec![(name, value.to_owned())]);
    let headers = format!("x-api-key: {FOREIGN}\nAuthorization: Bearer {FOREIGN}");
    vec![
        value("ANTHROPIC_API_KEY", FOREIGN),
        value("ANTHROPIC_AUTH_TOKEN", FOREIGN),
        value("ANTHROPIC_CUSTOM_HEADERS", &headers),
        value(ASKS_ANTHROPIC, "sk-ant-oat01-of-the-attacker"),
        flag(
            "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",
            &[
                ("ANTHROPIC_BASE_URL", hostile),
                ("ANTHROPIC_AUTH_TOKEN", FOREIGN),
            ],
        ),
        flag("CLAUDE_CODE_SIMPLE", &[]),
        flag(
            "CLAUDE_CODE_USE_ANTHROPIC_AWS",
            &[
                ("ANTHROPIC_AWS_BASE_URL", hostile),
                ("ANTHROPIC_AWS_API_KEY", FOREIGN),
                ("ANTHROPIC_AWS_WORKSPACE_ID", "w"),
                ("AWS_REGION", "us-east-1"),
            ],
        ),
        flag(
            "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
            &[
                ("ANTHROPIC_GOOGLE_CLOUD_BASE_URL", hostile),
                ("CLAUDE_CODE_SKIP_ANTHROPIC_GOOGLE_CLOUD_AUTH", "1"),
                ("ANTHROPIC_GOOGLE_CLOUD_PROJECT", "p"),
                ("CLOUD_ML_REGION", "global"),
            ],
        ),
        flag(
            "CLAUDE_CODE_USE_BEDROCK",
            &[
                ("ANTHROPIC_BEDROCK_BASE_URL", hostile),
                ("AWS_ACCESS_KEY_ID", "a"),
                ("AWS_SECRET_ACCESS_KEY", "b"),
                ("AWS_REGION", "us-east-1"),
            ],
        ),
        flag(
            "CLAUDE_CODE_USE_FOUNDRY",
            &[
                ("ANTHROPIC_FOUNDRY_BASE_URL", hostile),
                ("ANTHROPIC_FOUNDRY_API_KEY", FOREIGN),
            ],
        ),
        flag(
            "CLAUDE_CODE_USE_MANTLE",
            &[
                ("ANTHROPIC_BEDROCK_MANTLE_BASE_URL", hostile),
                ("CLAUDE_CODE_SKIP_MANTLE_AUTH", "1"),
                ("AWS_REGION", "us-east-1"),
            ],
        ),
        flag(
            "CLAUDE_CODE_USE_VERTEX",
            &[
                ("ANTHROPIC_VERTEX_BASE_URL", hostile),
                ("ANTHROPIC_VERTEX_PROJECT_ID", "p"),
                ("CLAUDE_CODE_SKIP_VERTEX_AUTH", "1"),
                ("CLOUD_ML_REGION", "us-east5"),
            ],
        ),
        // Last, because its clients do not end with their turn.
        value("ANTHROPIC_UNIX_SOCKET", SOCKET),
    ]
}

/// All of them together, and the base URL.
pub(super) fn everything(hostile: &str) -> Vec<(&'static str, String)> {
    let all = variables(hostile)
        .into_iter()
        .flat_map(|(_, variables)| variables);
    all.chain([("ANTHROPIC_BASE_URL", hostile.to_owned())])
        .collect()
}

/// Settings with these variables and a helper that prints another key.
pub(super) fn settings(variables: &[(&'static str, String)]) -> Value {
    let env: Value = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    json!({ "apiKeyHelper": format!("echo {FOREIGN}"), "env": env })
}

/// Whether the gateway has got requests with the company's key alone, and no other server any.
fn is_clean(sent: &[String], others: [usize; 2]) -> bool {
    let has_key = |request: &String| {
        let head = request.to_ascii_lowercase();
        head.contains(&format!("x-api-key: {KEY}\r\n"))
            && head.contains(&format!("authorization: bearer {KEY}\r\n"))
    };
    !sent.is_empty() && sent.iter().all(has_key) && others == [0, 0]
}

/// A hostile server at [`SOCKET`].
#[derive(Default)]
struct HostileSocket {
    connections: AtomicUsize,
    reached: Notify,
}

impl HostileSocket {
    /// Listens on the machine.
    fn start(fleet: &Fleet) -> Arc<Self> {
        let path = fleet.outside(SOCKET);
        let listener = UnixListener::bind(&path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        let socket = Arc::<Self>::default();
        let counted = Arc::clone(&socket);
        tokio::spawn(async move {
            // Unanswered, so that the client waits and does not try again.
            let mut held = Vec::new();
            while let Ok(accepted) = listener.accept().await {
                held.push(accepted);
                counted.connections.fetch_add(1, Ordering::Relaxed);
                counted.reached.notify_waiters();
            }
        });
        socket
    }
}

#[tokio::test]
async fn each_blanked_variable_gets_round_the_helper_otherwise() {
    let error = respond("400 Bad Request", "application/json", &[], "{}");
    let gateway = Upstream::start(error.clone()).await;
    let fleet = Fleet::new("claude", &gateway.url());
    let socket = HostileSocket::start(&fleet);
    let hostile = Upstream::start(error).await;
    let variables = variables(&hostile.url());
    let mut names: Vec<_> = variables.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    let env = fleet.settings()["env"].as_object().unwrap();
    let blanked = env.iter().filter(|(_, value)| **value == "");
    assert_eq!(blanked.map(|(name, _)| name).collect::<Vec<_>>(), names);

    for (name, variables) in variables {
        let mut client = fleet.client();
        // What the client asks of Anthropic's own servers shows here, too.
        client.set_shell_variable("HTTPS_PROXY", &hostile.url());
        client.set_shell_variable("NO_PROXY", "127.0.0.1");
        for (name, value) in &variables {
            client.set_shell_variable(name, value);
        }
        let others = || {
            [
                hostile.connections(),
                socket.connections.load(Ordering::Relaxed),
            ]
        };
        let mut open = fleet.settings().clone();
        open["env"].as_object_mut().unwrap().remove(name);
        for (settings, expected) in [
            (&open, name == ASKS_ANTHROPIC),
            (fleet.settings(), !SHELL_WINS.contains(&name)),
        ] {
            fleet.manage(settings);
            let before = others();
            let before_turn = gateway.connections();
            tokio::select! {
                _ = client.turn("What is up?") => {}
                // The client would wait for minutes.
                () = socket.reached.notified() => {}
            }
            let after = others();
            let others = [after[0] - before[0], after[1] - before[1]];
            let mut sent = gateway.requests().split_off(before_turn);
            // The daemon probes the gateway, and the client looks whether it is there.
            sent.retain(|request| request.starts_with("POST "));
            assert_eq!(
                is_clean(&sent, others),
                expected,
                "{name}: {others:?} {sent:?}"
            );
        }
    }
}
