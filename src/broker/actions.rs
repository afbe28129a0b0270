//! What a slot's actions are: fetches, probes and revalidations, in tasks of the daemon.

use std::sync::Arc;

use super::{driver::Driver, observer::Change, slot::Action};
use crate::{
    credential::{self, Credential},
    gateway::{Calibration, ProbeResult},
    source::SourceError,
};

impl Driver {
    /// Performs `action` and reports its result to the slot.
    pub(super) async fn perform(self: Arc<Self>, action: Action) {
        match action {
            Action::Fetch {
                flight,
                renew,
                cause,
            } => {
                let result = self.fetch(renew.as_deref()).await;
                let counted = result.as_ref().map(|_| ());
                self.counters
                    .on_fetch(counted.map_err(|error| error.state().to_string()));
                match &result {
                    Ok(credential) => tracing::info!(
                        event = "credential-obtained",
                        fingerprint = %credential.fingerprint(),
                        expires_at = ?credential.expires_at().map(|at| at.to_string()),
                        version = credential.version,
                        host = self.route.source.host(),
                        "obtained a credential",
                    ),
                    Err(error) => tracing::warn!(
                        event = "credential-failed",
                        %error,
                        "failed to obtain a credential",
                    ),
                }
                self.report(match &result {
                    Ok(credential) => Change::Obtained { credential, cause },
                    Err(error) => Change::FetchFailed { cause, error },
                });
                let jitter = (self.jitter)();
                self.update(|slot| slot.on_fetched(self.clock.now(), jitter, flight, result));
            }
            Action::Probe { probe, credential } => {
                let Some((result, calibration)) = self.probe(&credential).await else {
                    return;
                };
                self.update(|slot| {
                    slot.on_calibrated(calibration);
                    slot.on_probed(self.clock.now(), probe, result);
                });
            }
            Action::ProbeSuccessor { probe, credential } => {
                let Some((result, calibration)) = self.probe(&credential).await else {
                    return;
                };
                let is_put_off = self.update(|slot| {
                    slot.on_calibrated(calibration);
                    slot.on_successor_probed(self.clock.now(), probe, result);
                    slot.has_successor()
                });
                if is_put_off {
                    self.report(Change::NotAccepted(&credential));
                    tracing::warn!(
                        event = "successor-rejected",
                        fingerprint = %credential.fingerprint(),
                        version = credential.version,
                        "the gateway does not accept the new key yet; it is tried again",
                    );
                }
            }
            Action::Revalidate {
                revalidation,
                credential,
            } => {
                let result = self.route.source.revalidate(&credential).await;
                match &result {
                    Ok(freshness) => {
                        tracing::debug!(?freshness, "revalidated the credential at its source");
                    }
                    Err(error) => tracing::warn!(
                        event = "revalidation-failed",
                        %error,
                        "failed to revalidate the credential",
                    ),
                }
                let jitter = (self.jitter)();
                self.update(|slot| {
                    slot.on_revalidated(self.clock.now(), jitter, revalidation, result);
                });
            }
        }
    }

    /// Probes the gateway with `credential`. `None` if there is no gateway: a slot without one
    /// requests no probe.
    async fn probe(&self, credential: &Credential) -> Option<(ProbeResult, Calibration)> {
        let gateway = self.route.gateway.as_ref()?;
        let result = gateway.probe(&credential.secret).await;
        self.counters.on_probe(result.name());
        tracing::info!(
            event = "gateway-probed",
            fingerprint = %credential.fingerprint(),
            ?result,
            "probed the gateway",
        );
        Some((result, gateway.calibration()))
    }

    /// Renews the lease of `renew` if possible, else has the source issue a credential, and checks
    /// that the client will accept it and that it has not expired.
    async fn fetch(&self, renew: Option<&Credential>) -> Result<Credential, SourceError> {
        let renewed = match renew {
            None => None,
            Some(current) => match self.route.source.renew(current).await {
                Ok(renewed) => renewed,
                // The lease was revoked or is no longer permitted; the source may still issue a
                // new credential.
                Err(error) if error.is_final() => None,
                Err(error) => return Err(error),
            },
        };
        let mut credential = match renewed {
            Some(credential) => credential,
            None => self.route.source.issue().await?,
        };
        credential.complete_by_jwt();
        let unusable = |reason: String| SourceError::Unusable {
            host: self.route.source.host().to_owned(),
            field: "credential".to_owned(),
            reason,
        };
        credential::check_usable(&credential.secret)
            .map_err(|reason| unusable(reason.to_string()))?;
        if credential.is_expired(self.clock.now()) {
            return Err(unusable("is already expired".to_owned()));
        }
        Ok(credential)
    }
}
