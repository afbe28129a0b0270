//! Probing a gateway that implements Anthropic's API, over HTTP.
//!
//! It compares the gateway's answer to a key with that to a wrong key of the same form (the
//! calibration), and with what the gateway has accepted before. It is given the gateway's URL, the
//! route to probe and the clock.
//!
//! ```text
//! key ─▶ form ─▶ wrong key ─▶ gateway ─▶ answer ─▶ memory ─┐
//! key ──────────────────────▶ gateway ─▶ answer ───────────┴▶ evidence ─▶ ProbeResult
//! ```
//!
//! `sender` sends the requests, `evidence` decides, `memory` remembers; this file connects them.

mod answer;
mod cause;
mod error_text;
mod evidence;
mod form;
mod headers;
pub(crate) mod memory;
mod sender;
mod wrong_key;

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

pub(crate) use self::{error_text::ErrorText, headers::Headers, sender::client_settings};
use self::{
    evidence::{Confirmed, WrongKey, decide, needs_witness},
    form::Form,
    memory::Memory,
    sender::Sender,
    wrong_key::wrong_key,
};
use super::{Calibration, Gateway, Inconclusive, ProbeResult};
use crate::{
    clock::{Clock, Tick},
    config::{Probe, ProfileConfig},
    principal::Principal,
    secret::Secret,
    sync,
};

/// A gateway that is probed with keys. Before the first probe with a key of a form, and once a day,
/// it is probed with a wrong key.
pub(crate) struct HttpGateway {
    sender: Sender,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
    /// Held during a calibration: concurrent probes wait for its result.
    calibrating: tokio::sync::Mutex<()>,
}

impl HttpGateway {
    /// The gateway of `profile`; `None` if it has none or if `probe` is off.
    #[must_use]
    pub(crate) fn new(
        profile: &ProfileConfig,
        principal: &Principal,
        clock: &Arc<dyn Clock>,
    ) -> Option<Self> {
        let base = profile.gateway.as_ref()?.as_url();
        (profile.probe() != Probe::Off).then(|| Self {
            sender: Sender::new(base, profile, principal),
            clock: Arc::clone(clock),
            memory: Mutex::default(),
            calibrating: tokio::sync::Mutex::new(()),
        })
    }

    /// Probes the gateway with a wrong key of the form of `key` and remembers the answer, unless
    /// another probe has just done so: `is_recent` returns what that got.
    ///
    /// # Errors
    ///
    /// [`Inconclusive`] if the gateway does not answer.
    async fn calibrate(
        &self,
        key: &Secret,
        form: &Form,
        is_recent: impl Fn(&mut Memory, Tick) -> Option<WrongKey>,
    ) -> Result<WrongKey, Inconclusive> {
        let _guard = self.calibrating.lock().await;
        if let Some(wrong) = is_recent(&mut self.memory(), self.now()) {
            return Ok(wrong);
        }
        self.sender.reload();
        let answer = self.sender.send(&wrong_key(key)).await;
        let wrong = match &answer {
            Ok(answer) => WrongKey::from(*answer),
            Err(_) => WrongKey::Unanswered,
        };
        tracing::info!(
            event = "gateway-calibrated",
            gateway = %self.sender.base(),
            form = form.name(),
            status = answer.as_ref().ok().map(|answer| answer.status),
            calibration = ?wrong.calibration(false),
            "calibrated the gateway with a wrong key",
        );
        self.memory().set_wrong(form, self.now(), wrong);
        answer.map(|_| wrong)
    }

    /// Probes with `key`, and with a wrong key if that is necessary.
    ///
    /// # Errors
    ///
    /// [`Inconclusive`] if the gateway does not answer, or accepts any key.
    async fn compare(&self, key: &Secret) -> Result<ProbeResult, Inconclusive> {
        let form = Form::of(key);
        let fingerprint = key.fingerprint();
        let recent = self.memory().wrong(&form, self.now());
        let wrong = match recent {
            Some(wrong) => wrong,
            None => {
                let recent = |memory: &mut Memory, now| memory.wrong(&form, now);
                self.calibrate(key, &form, recent).await?
            }
        };
        if wrong == WrongKey::Accepted {
            // Another key would not be answered otherwise.
            return Err(Inconclusive::AcceptsAnyKey);
        }
        let answer = self.sender.send(key).await?;
        let past = self.memory().past(&form, &fingerprint);
        let result = decide(wrong, answer, past);
        if needs_witness(wrong, answer, past) && result != ProbeResult::Rejected {
            let witness = self.sender.send_to_other_route(key).await?;
            let is_same = witness.equals(answer);
            return Ok(if is_same {
                ProbeResult::Rejected
            } else {
                result
            });
        }
        if !needs_contrast(&result) {
            return Ok(result);
        }
        // It counts as evidence only if a wrong key gets another answer at the same time. A success
        // is one for all keys of the form; a key that is only known may be the first that meets a
        // route which has begun to refuse all.
        let is_contrasted = self.memory().is_contrasted(&form)
            && (result == ProbeResult::Accepted || past.key.is_some());
        let wrong = match is_contrasted {
            true => wrong,
            false => {
                let recent = |memory: &mut Memory, now| memory.comparable_wrong(&form, now);
                match self.calibrate(key, &form, recent).await {
                    Ok(WrongKey::Unanswered) | Err(_) => return Ok(result),
                    Ok(wrong) => wrong,
                }
            }
        };
        let result = decide(wrong, answer, past);
        if let (Some(how), WrongKey::Refused(wrong)) = (confirmed(&result), wrong) {
            self.memory().confirm(&form, &fingerprint, how, wrong);
        }
        Ok(result)
    }

    fn now(&self) -> Tick {
        self.clock.now().tick
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        sync::lock(&self.memory)
    }
}

#[async_trait]
impl Gateway for HttpGateway {
    async fn probe(&self, key: &Secret) -> ProbeResult {
        self.compare(key)
            .await
            .unwrap_or_else(ProbeResult::Inconclusive)
    }

    fn calibration(&self) -> Calibration {
        self.memory().calibration()
    }

    fn recalibrate(&self) {
        self.memory().recalibrate();
    }

    fn forget(&self) {
        self.sender.reload();
    }
}

/// How a result confirms the key, if it does.
fn confirmed(result: &ProbeResult) -> Option<Confirmed> {
    match result {
        ProbeResult::Accepted => Some(Confirmed::Accepted),
        ProbeResult::Known => Some(Confirmed::Known),
        ProbeResult::Rejected | ProbeResult::Inconclusive(_) => None,
    }
}

/// Whether a result depends on what a wrong key gets at the same time: it confirms the key, or
/// lacks only that.
fn needs_contrast(result: &ProbeResult) -> bool {
    confirmed(result).is_some() || *result == ProbeResult::Inconclusive(Inconclusive::Uncalibrated)
}

#[cfg(test)]
mod tests;
