//! Clients as they behave: each caches its key for its own time, sends it to the gateway, and runs
//! its helper again after a 401 with a growing delay.

use proptest::prelude::*;

use super::{world::World, *};
use crate::client_kind::{ClientKind, HelperContext};

/// The delays of Claude Code's retries after a 401, in milliseconds; the last one repeats.
const RETRY_DELAYS: [u64; 7] = [1200, 1100, 2500, 4600, 9200, 18_000, 35_000];

/// How many requests the client sends in one turn.
const MAX_ATTEMPTS: u32 = 10;

/// How often it runs a failing helper in one turn.
const MAX_FAILURES: u32 = 3;

/// One client process.
#[derive(Debug)]
pub(super) struct SimulatedClient {
    pid: u32,
    request: AcquireRequest,
    key: Option<String>,
    cached_until: Tick,
    attempts: u32,
    failures: u32,
    step: Step,
    /// When its settings were changed.
    touched: Option<Tick>,
    /// When it last sent a request.
    sent_at: Tick,
    refused: Option<Refused>,
}

/// A key that the gateway has refused.
#[derive(Debug)]
struct Refused {
    key: String,
    /// When it was refused first.
    since: Tick,
    /// How often it was handed out since.
    handed_out: u32,
    /// The world's when that began: a refresh, for example, makes the key as good as a new one.
    epoch: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Idle,
    AwaitsHelper,
    RetriesAt(Tick),
}

impl SimulatedClient {
    /// A client of this kind. One behind a wrapper that hides it has no session.
    pub(super) fn new(pid: u32, client: ClientKind, cache_lifetime: u64, is_hidden: bool) -> Self {
        let session = (!is_hidden).then_some(ClientSession { pid, started: 0 });
        Self {
            pid,
            request: AcquireRequest {
                client,
                ..AcquireRequest::new(Duration::from_secs(cache_lifetime), session)
            },
            key: None,
            cached_until: Tick::default(),
            attempts: 0,
            failures: 0,
            step: Step::Idle,
            touched: None,
            sent_at: Tick::default(),
            refused: None,
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// The user sends a prompt.
    pub(super) fn prompt(&mut self, world: &mut World) {
        if self.step != Step::Idle {
            return;
        }
        self.attempts = 0;
        self.failures = 0;
        if self.key.is_some() && world.now.tick < self.cached_until {
            self.send(world);
        } else {
            self.run_helper(world, HelperContext::Unstated);
        }
    }

    /// The client's settings are changed, and the user sends a prompt.
    pub(super) fn touch_settings(&mut self, world: &mut World) {
        self.touched = Some(world.now.tick);
        self.key = None;
        self.prompt(world);
    }

    /// An MCP server or telemetry wants its headers.
    pub(super) fn request_headers(&self, world: &mut World) {
        let request = AcquireRequest {
            is_for_headers: true,
            ..self.request
        };
        world.acquire(0, request);
    }

    /// When it acts without a prompt.
    pub(super) fn due(&self) -> Option<Tick> {
        match self.step {
            Step::RetriesAt(at) => Some(at),
            Step::Idle | Step::AwaitsHelper => None,
        }
    }

    /// Retries, if that is due.
    pub(super) fn retry(&mut self, world: &mut World) {
        if self.due().is_some_and(|due| due <= world.now.tick) {
            let context = match self.request.client {
                ClientKind::ClaudeDesktop if self.failures == 0 => HelperContext::Rejected,
                _ => HelperContext::Unstated,
            };
            self.run_helper(world, context);
        }
    }

    fn run_helper(&mut self, world: &mut World, context: HelperContext) {
        self.step = Step::AwaitsHelper;
        world.acquire(
            self.pid,
            AcquireRequest {
                context,
                ..self.request
            },
        );
    }

    /// The helper has printed a key or failed.
    pub(super) fn on_answer(
        &mut self,
        world: &mut World,
        outcome: &Outcome,
    ) -> Result<(), TestCaseError> {
        match outcome {
            Outcome::Ready(credential) => {
                let key = credential.secret.expose().to_owned();
                self.check_handed_out(world, credential)?;
                self.key = Some(key);
                self.cached_until = world.now.tick + self.request.cache_lifetime;
                self.failures = 0;
                self.send(world);
            }
            Outcome::Failed(unavailable) => {
                if let Reason::Rejected(rejected) = &unavailable.reason {
                    self.check_refusal(world, rejected)?;
                }
                self.failures += 1;
                self.key = None;
                self.step = if self.failures < MAX_FAILURES {
                    Step::RetriesAt(world.now.tick + Duration::from_millis(900))
                } else {
                    Step::Idle
                };
            }
            Outcome::Pending(_) => {}
        }
        Ok(())
    }

    fn send(&mut self, world: &World) {
        let Some(key) = self.key.clone().filter(|_| world.gateway.is_up) else {
            self.step = Step::Idle;
            return;
        };
        self.sent_at = world.now.tick;
        if world.gateway.accepts(&key) {
            self.step = Step::Idle;
            return;
        }
        let (since, handed_out) = match &self.refused {
            Some(refused) if refused.key == key && refused.epoch == world.epoch => {
                (refused.since, refused.handed_out)
            }
            _ => (world.now.tick, 0),
        };
        // Only what the daemon could know counts.
        self.refused = world.gateway.can_tell().then_some(Refused {
            key,
            since,
            handed_out,
            epoch: world.epoch,
        });
        self.attempts += 1;
        if !self.is_told(world) || self.attempts > MAX_ATTEMPTS {
            self.step = Step::Idle;
            return;
        }
        self.key = None;
        let delay = RETRY_DELAYS[(self.attempts as usize - 1).min(RETRY_DELAYS.len() - 1)];
        self.step = Step::RetriesAt(world.now.tick + Duration::from_millis(delay));
    }

    /// Whether the client runs its helper again because it is refused.
    fn is_told(&self, world: &World) -> bool {
        let retries = !matches!(self.request.client, ClientKind::Pi | ClientKind::Hermes);
        retries && world.gateway.tells_clients()
    }

    /// A key that the gateway refuses is not handed out twice to one session after that could be
    /// known.
    fn check_handed_out(
        &mut self,
        world: &World,
        credential: &Credential,
    ) -> Result<(), TestCaseError> {
        let key = credential.secret.expose();
        let is_told = self.is_told(world);
        let is_still_refused = !world.gateway.accepts(key) && world.gateway.can_tell();
        match &mut self.refused {
            Some(refused)
                if refused.key == key && refused.epoch == world.epoch && is_still_refused =>
            {
                refused.handed_out += 1;
                let age = world.now.tick.since(refused.since);
                let verified_within = self.request.cache_lifetime.max(Duration::from_secs(5));
                let is_early_enough = match is_told {
                    true => refused.handed_out < 2,
                    // One that was issued again since is a new one. After a logout the gateway has
                    // to be asked again.
                    false => {
                        age <= verified_within
                            || credential.obtained.tick > refused.since
                            || refused.handed_out < 2
                    }
                };
                prop_assert!(
                    is_early_enough || self.request.session.is_none(),
                    "a key was handed out {} times in {age:?} since it was refused",
                    refused.handed_out
                );
            }
            refused => *refused = None,
        }
        Ok(())
    }

    /// A key that the gateway accepts is not refused.
    fn check_refusal(&self, world: &World, rejected: &Rejected) -> Result<(), TestCaseError> {
        let seconds = |seconds| Duration::from_secs(seconds);
        let is_touched = self
            .touched
            .is_some_and(|at| world.now.tick.since(at) < seconds(60));
        // A change of the settings at the moment of the next retry looks like it.
        if rejected.evidence != Evidence::Probe && is_touched {
            return Ok(());
        }
        let span = match rejected.evidence {
            Evidence::Probe => seconds(10),
            // The client's own experience counts, which may be half a minute old.
            Evidence::ClientRetries(_) => world.now.tick.since(self.sent_at),
        };
        prop_assert!(
            !world.has_been_accepted_for(&rejected.fingerprint, span),
            "a key that the gateway accepts was refused: {:?}",
            rejected.evidence
        );
        Ok(())
    }
}
