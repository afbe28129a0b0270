//! What goes wrong with a gateway's key in a company's day, and what of it a developer sees: the real Claude Code, the
//! real programs, the key in a real OpenBao, and a gateway that says 401.
//!
//! Every scenario prints its numbers (`--nocapture` shows them) and holds them to their bounds.

mod dead;
mod down;
mod idle;
mod lifetimes;

mod many;
mod quiet;
mod rotation;

use std::{fmt, fs::File, time::Duration};

use claviger::{
    clock::Timestamp,
    demo::gateway::{GREETING, LoggedRequest, TestGateway},
    secret::Secret,
};
use serde_json::{Value, json};
use tokio::sync::RwLock;

use crate::support::{
    Bao, TestEnv,
    client::{Client, Session, TurnResult},
    test_env::binary,
};

const MESSAGES: &str = "/v1/messages";
const MODELS: &str = "/v1/models";
const PATH: &str = "team/gateway";
const TTL: &str = "CLAUDE_CODE_API_KEY_HELPER_TTL_MS";

/// The first key of every scenario, and the one that takes its place.
const FIRST: &str = "sk-canary-scene-5f3a9c";
const SECOND: &str = "sk-canary-scene-77b1e0";

/// How long the client may take to see that its settings have changed.
const NOTICED: Duration = Duration::from_secs(20);

/// What needs the machine for itself (twenty clients) takes it alone; the other scenarios share it.
static STAGE: RwLock<()> = RwLock::const_new(());

/// A company: where the key is kept, the gateway that wants it, and one developer's machine.
struct Deployment {
    bao: Bao,
    gateway: TestGateway,
    env: TestEnv,
    client: Client,
}

/// What it has cost: all of [`Deployment::count`], or what came in between, by [`Count::since`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    /// Requests of clients that the gateway refused.
    refused: usize,
    /// Those that it answered.
    answered: usize,
    /// Reads of the key at the source.
    reads: usize,
    /// Looks at its version there.
    looks: usize,
    /// What the daemon asked the gateway, calibration included.
    probes: usize,
}

impl Deployment {
    /// The source is watched like this, and the client and its helper find `env` in their environment.
    async fn new(watch: &str, variables: &[(&str, &str)]) -> Self {
        let bao = Bao::start().await;
        bao.put(PATH, json!({"api_key": FIRST})).await;
        let role = bao.approle(json!({})).await;
        let gateway = TestGateway::start([secret(FIRST)]).await.unwrap();
        let env = TestEnv::new();
        env.secret(FIRST);
        env.secret(SECOND);
        let secret_id = env.secret_file("secret-id", &role.secret_id);
        env.config(&format!(
            r#"
[profile.default]
gateway = "{}"
source = "team-vault"

[source.team-vault]
type = "vault"
address = "{}"
path = "secret/{PATH}"
field = "api_key"
watch = "{watch}"
auth = {{ method = "approle", role_id = "{}", secret_id_file = "{secret_id}" }}
"#,
            gateway.url(),
            bao.url(),
            role.role_id
        ));
        let client = client(&env, &gateway, variables);
        Self {
            bao,
            gateway,
            env,
            client,
        }
    }

    /// Puts the second key into the source.
    async fn put_second(&self) {
        self.bao.put(PATH, json!({"api_key": SECOND})).await;
    }

    /// The gateway takes the second key and no longer the first; the source has the second.
    async fn rotate_at_once(&self) {
        self.gateway.set_keys([secret(SECOND)]);
        self.put_second().await;
    }

    /// The profile, as `claviger status --json` has it.
    async fn profile(&self) -> Value {
        self.env.status().await["profiles"][0].clone()
    }

    /// What it has cost so far.
    fn count(&self) -> Count {
        let reads = |kind| self.bao.asked("read", &format!("secret/{kind}/{PATH}"));
        let probes = |seen: &&LoggedRequest| seen.path == MODELS;
        Count {
            refused: self.gateway.count(MESSAGES, 401),
            answered: self.gateway.count(MESSAGES, 200),
            reads: reads("data"),
            looks: reads("metadata"),
            probes: self.gateway.requests().iter().filter(probes).count(),
        }
    }

    /// Which keys the clients sent and what they were answered, the oldest first.
    fn answers(&self) -> Vec<(u16, String)> {
        let log = self.messages().into_iter();
        log.map(|seen| (seen.status.unwrap(), seen.fingerprint.unwrap().to_string()))
            .collect()
    }

    /// How often a client or a test has run the helper, by the daemon's log.
    fn runs_of_the_helper(&self) -> usize {
        self.env.log().matches("request=Acquire").count()
    }

    /// Gives the client's settings another mtime, and changes nothing in them.
    fn touch_settings(&self) {
        let path = self.env.path("home/.claude/settings.json");
        let file = File::options().append(true).open(path).unwrap();
        let touched = file.metadata().unwrap().modified().unwrap() + Duration::from_secs(1);
        file.set_modified(touched).unwrap();
    }

    /// From the first 401 that a client met to the last answer that one got.
    fn recovery(&self) -> Duration {
        let log = self.messages();
        let at = |seen: Option<&LoggedRequest>| seen.map_or(Timestamp::UNIX_EPOCH, |seen| seen.at);
        let refused = at(log.iter().find(|seen| seen.status == Some(401)));
        let answered = at(log.iter().rfind(|seen| seen.status == Some(200)));
        answered.duration_since(refused).unsigned_abs()
    }

    fn messages(&self) -> Vec<LoggedRequest> {
        let log = self.gateway.requests().into_iter();
        log.filter(|seen| seen.path == MESSAGES).collect()
    }

    /// The client ends as it should, and what all clients have said is searched for secrets.
    async fn end(&self, session: Session) {
        let (status, stderr) = session.end().await;
        assert!(status.success(), "{stderr}");
        self.hear();
    }

    fn hear(&self) {
        self.env.heard("Claude Code", &self.client.heard());
    }
}

impl Count {
    /// What came since `before`.
    fn since(self, before: Self) -> Self {
        Self {
            refused: self.refused - before.refused,
            answered: self.answered - before.answered,
            reads: self.reads - before.reads,
            looks: self.looks - before.looks,
            probes: self.probes - before.probes,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            refused,
            answered,
            reads,
            looks,
            probes,
        } = self;
        write!(
            f,
            "{refused} x 401, {answered} x 200, {reads} reads, {looks} looks, {probes} probes"
        )
    }
}

/// The client of this machine's developer.
fn client(env: &TestEnv, gateway: &TestGateway, variables: &[(&str, &str)]) -> Client {
    let [config, state, run] =
        ["config", "state", "run"].map(|name| env.path(name).display().to_string());
    let own = [
        ("XDG_CONFIG_HOME", &*config),
        ("XDG_STATE_HOME", &*state),
        ("XDG_RUNTIME_DIR", &*run),
        // For a machine that is busy with other tests.
        ("CLAVIGER_TIMEOUT_MS", "30000"),
        // Each run of the helper is in the daemon's log.
        ("CLAVIGER_LOG", "debug"),
    ];
    Client::new(
        &env.path("home"),
        &binary("claviger-helper"),
        &gateway.url(),
        &[&own[..], variables].concat(),
    )
}

/// Says `prompt` and gets its answer.
async fn turn(session: &mut Session, prompt: &str) {
    let turn = session.turn(prompt).await;
    assert!(is_answer(&turn, prompt), "{turn:?}");
}

fn is_answer(turn: &TurnResult, prompt: &str) -> bool {
    !turn.is_error && turn.text == format!("{GREETING}{prompt}")
}

fn secret(key: &str) -> Secret {
    Secret::new(key.to_owned())
}

fn fingerprint(key: &str) -> String {
    secret(key).fingerprint().to_string()
}

fn answer(status: u16, key: &str) -> (u16, String) {
    (status, fingerprint(key))
}
