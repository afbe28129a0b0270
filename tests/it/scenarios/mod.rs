//! Rotations and failures of a gateway's key, as a developer experiences them: with the real Claude
//! Code, the real programs, the key in a real OpenBao, and a gateway that answers 401. Those with a
//! real LiteLLM are in [`crate::litellm`].
//!
//! Every scenario prints its counts and times (`--nocapture` shows them) and asserts their bounds.

mod cannot_tell;
pub(crate) mod dead;
mod down;
mod idle;
mod lifetimes;
mod many;
mod quiet;
mod rotation;
mod wrappers;

use std::{fmt, time::Duration};

use claviger::{
    clock::{Clock as _, SystemClock, Timestamp},
    demo::gateway::{GREETING, LoggedRequest, TestGateway},
};
use serde_json::{Value, json};
use tokio::sync::RwLock;

use crate::support::{
    Bao, TestEnv,
    answers::{AnsweredKey, MESSAGES, answer, answers, secret},
    claude::{ClaudeCode, ClaudeSession, TurnResult},
    gateway::ScriptedGateway,
    poll::timed,
    until,
    vault_config::{approle_auth, vault_source},
};

pub(crate) const MODELS: &str = "/v1/models";

/// The path of the key in the engine at `secret`.
const PATH: &str = "team/gateway";

/// The variable for the client's cache lifetime, in milliseconds.
pub(crate) const TTL: &str = "CLAUDE_CODE_API_KEY_HELPER_TTL_MS";

/// The first key of every scenario, and the key that replaces it.
pub(crate) const FIRST: &str = "sk-canary-scene-5f3a9c";
pub(crate) const SECOND: &str = "sk-canary-scene-77b1e0";

/// How long the client may take to notice a change of its settings.
const SETTINGS_RELOAD_LIMIT: Duration = Duration::from_secs(20);

/// Scenarios that measure the client or run twenty of them hold this lock exclusively, the others
/// share it.
pub(crate) static MACHINE_LOCK: RwLock<()> = RwLock::const_new(());

/// An OpenBao with the key, a gateway that accepts it, and a developer's machine with Claude Code.
pub(crate) struct Deployment<G = TestGateway> {
    pub(crate) bao: Bao,
    pub(crate) gateway: G,
    pub(crate) env: TestEnv,
    pub(crate) client: ClaudeCode,
}

/// The requests so far, or those in between: [`RequestCounts::since`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestCounts {
    /// Clients' requests that the gateway answered with 401.
    pub(crate) refused: usize,
    /// Clients' requests that the gateway answered with 200.
    pub(crate) answered: usize,
    /// Reads of the key at the source.
    pub(crate) reads: usize,
    /// Reads of the key's metadata at the source.
    pub(crate) revalidations: usize,
    /// The daemon's requests to the gateway, calibration included.
    pub(crate) probes: usize,
}

impl Deployment {
    /// Starts everything, with the embedded gateway; see [`Deployment::with_gateway`].
    async fn new(watch: &str, variables: &[(&str, &str)]) -> Self {
        let gateway = TestGateway::start([secret(FIRST)]).await.unwrap();
        Self::with_gateway(gateway, watch, variables).await
    }
}

impl<G: ScriptedGateway> Deployment<G> {
    /// Starts everything but the gateway, which accepts [`FIRST`]. `watch` is the source's watch
    /// interval; the client and its helper get `variables`.
    pub(crate) async fn with_gateway(gateway: G, watch: &str, variables: &[(&str, &str)]) -> Self {
        Self::with_profile(gateway, "", watch, variables).await
    }

    /// [`Deployment::with_gateway`] with these further lines of the profile's table.
    async fn with_profile(
        gateway: G,
        profile: &str,
        watch: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        let bao = Bao::start_with_key(PATH, FIRST).await;
        let role = bao.enable_approle(json!({})).await;
        let env = TestEnv::new();
        env.add_secret(FIRST);
        env.add_secret(SECOND);
        let secret_id = env.write_secret_file("secret-id", &role.secret_id);
        let source = vault_source(
            "team-vault",
            &bao.url(),
            &format!("secret/{PATH}"),
            &format!("watch = \"{watch}\""),
            &approle_auth(&role.role_id, &secret_id),
        );
        env.write_config(&format!(
            "[profile.default]\ngateway = \"{}\"\n{profile}\nsource = \"team-vault\"\n{source}",
            gateway.url()
        ));
        // At this level, each run of the helper is in the daemon's log.
        let variables = [&[("CLAVIGER_LOG", "debug")], variables].concat();
        let client = ClaudeCode::new(&env, &gateway.url(), &variables);
        Self {
            bao,
            gateway,
            env,
            client,
        }
    }

    /// Starts a client and takes its first turn.
    pub(crate) async fn start_session(&self) -> ClaudeSession {
        let mut session = self.client.session();
        turn(&mut session, "before").await;
        session
    }

    /// Touches the client's settings and takes turns until the client has run the helper again.
    pub(crate) async fn touch_settings(&self, mut take_turn: impl AsyncFnMut()) {
        let runs_before = self.helper_runs();
        self.client.touch_settings();
        // Once it has noticed, the client drops its key and runs the helper at its next turn.
        until(
            "the client has run the helper",
            SETTINGS_RELOAD_LIMIT,
            async || {
                take_turn().await;
                self.helper_runs() > runs_before
            },
        )
        .await;
    }

    /// Writes the second key to the source.
    pub(crate) async fn put_second(&self) {
        self.bao.put(PATH, json!({"api_key": SECOND})).await;
    }

    /// Rotates without overlap: source and gateway change to the second key at once.
    pub(crate) async fn rotate_at_once(&self) {
        self.gateway.set_keys(&[SECOND]);
        self.put_second().await;
    }

    /// The profile in `claviger status --json`.
    pub(crate) async fn profile(&self) -> Value {
        self.env.status().await["profiles"][0].clone()
    }

    /// Asserts that `status` reports the second key, and no rejection.
    pub(crate) async fn assert_second_is_ready(&self) {
        let profile = self.profile().await;
        assert_eq!(
            (
                &profile["state"],
                &profile["version"],
                &profile["rejected_since"],
                &profile["rejection_evidence"],
            ),
            (&"ready".into(), &2.into(), &Value::Null, &Value::Null),
            "{profile}"
        );
    }

    /// All requests so far.
    pub(crate) fn counts(&self) -> RequestCounts {
        let reads = |kind| self.bao.count("read", &format!("secret/{kind}/{PATH}"));
        let probes = |request: &&LoggedRequest| request.path == MODELS;
        RequestCounts {
            refused: self.gateway.count(MESSAGES, 401),
            answered: self.gateway.count(MESSAGES, 200),
            reads: reads("data"),
            revalidations: reads("metadata"),
            probes: self.gateway.requests().iter().filter(probes).count(),
        }
    }

    /// The answers to all turns so far, the oldest first.
    pub(crate) fn answers(&self) -> Vec<AnsweredKey> {
        answers(&self.gateway)
    }

    /// How often the helper was run, by a client or a test: a count of lines in the daemon's log.
    pub(crate) fn helper_runs(&self) -> usize {
        self.env.log().matches("request=Acquire").count()
    }

    /// The time from the first 401 to the last 200.
    pub(crate) fn recovery(&self) -> Duration {
        let log = self.messages();
        let at = |request: Option<&LoggedRequest>| {
            request.map_or(Timestamp::UNIX_EPOCH, |request| request.at)
        };
        let refused = at(log.iter().find(|request| request.status == Some(401)));
        let answered = at(log.iter().rfind(|request| request.status == Some(200)));
        answered.duration_since(refused).unsigned_abs()
    }

    fn messages(&self) -> Vec<LoggedRequest> {
        let log = self.gateway.requests().into_iter();
        log.filter(|request| request.path == MESSAGES).collect()
    }

    /// Rotates without overlap and takes two turns after `pause`. Asserts that the first turn gets
    /// one 401 and recovers on its first retry. Returns the counts of that turn.
    pub(crate) async fn assert_one_401(
        &self,
        mut session: ClaudeSession,
        pause: Duration,
    ) -> RequestCounts {
        let before = self.counts();
        self.rotate_at_once().await;
        // The passing of time is what is tested: there is nothing to poll for.
        let end_of_pause = SystemClock.now().tick + pause;
        SystemClock.sleep_until(end_of_pause).await;
        turn(&mut session, "after").await;
        let (counts, recovery) = (self.counts().since(before), self.recovery());
        turn(&mut session, "one more").await;
        self.end(session).await;

        println!(
            "rotation without overlap, {pause:?} before a turn: {counts}, recovered in {recovery:?}"
        );
        // The client sends a request with the old key while it runs the helper; its first retry has
        // the new key.
        assert_eq!(
            self.answers(),
            [
                answer(200, FIRST),
                answer(401, FIRST),
                answer(200, SECOND),
                answer(200, SECOND)
            ]
        );
        assert!(recovery < Duration::from_secs(5), "{recovery:?}");
        counts
    }

    /// Ends the client, which must succeed.
    pub(crate) async fn end(&self, session: ClaudeSession) {
        let (status, stderr) = session.end().await;
        assert!(status.success(), "{stderr}");
        self.record_transcript();
    }

    /// Records the output of all clients, to be searched for secrets.
    pub(crate) fn record_transcript(&self) {
        let transcript = self.client.transcript();
        self.env.record_output("Claude Code", &transcript);
    }
}

impl RequestCounts {
    /// The requests since `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            refused: self.refused - before.refused,
            answered: self.answered - before.answered,
            reads: self.reads - before.reads,
            revalidations: self.revalidations - before.revalidations,
            probes: self.probes - before.probes,
        }
    }
}

impl fmt::Display for RequestCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            refused,
            answered,
            reads,
            revalidations,
            probes,
        } = self;
        write!(
            f,
            "{refused} x 401, {answered} x 200, {reads} reads, {revalidations} revalidations, {probes} probes"
        )
    }
}

/// Takes a turn whose key the gateway does not accept, which must end with an error; returns its
/// text, and how long it took.
async fn failing_turn(session: &mut ClaudeSession) -> (String, Duration) {
    let (failed, took) = timed(session.turn("with a dead key")).await;
    assert!(failed.is_error, "{failed:?}");
    (failed.text, took)
}

/// Takes a turn and asserts its answer.
pub(crate) async fn turn(session: &mut ClaudeSession, prompt: &str) {
    let turn = session.turn(prompt).await;
    assert!(is_answer(&turn, prompt), "{turn:?}");
}

/// Takes a turn every `pause` for as long as `duration`, as a developer does; returns how many. The
/// passing of time is what is tested.
pub(crate) async fn turns(
    session: &mut ClaudeSession,
    duration: Duration,
    pause: Duration,
) -> usize {
    let start = SystemClock.now().tick;
    let mut next_turn = start;
    let mut turns = 0;
    until("the session is over", duration * 2, async || {
        let now = SystemClock.now().tick;
        if now >= next_turn {
            turns += 1;
            turn(session, &format!("turn {turns}")).await;
            next_turn = now + pause;
        }
        now.since(start) >= duration
    })
    .await;
    turns
}

pub(crate) fn is_answer(turn: &TurnResult, prompt: &str) -> bool {
    !turn.is_error && turn.text == format!("{GREETING}{prompt}")
}
