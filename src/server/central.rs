//! The central policy, as the requests meet it.

use std::sync::Arc;

use claviger_wire::Failure;

use super::daemon::Daemon;
use crate::{
    client_process::Client,
    clock::Tick,
    composition::InForce,
    error_report,
    policy::{Accepted, Denial},
    trust::ManagedOwner,
};

/// That the policy denies the key of a profile, as its report has it.
pub(super) struct PolicyDenial {
    /// Why, as a sentence.
    pub(super) reason: String,
    /// The failure of a request for the key.
    pub(super) failure: Failure,
    /// Whether only clients of some of the profile's gateways get no key.
    pub(super) is_for_some: bool,
}

impl Daemon {
    /// The policy in force; `None` if there is none by the configuration. Waits for a look that is
    /// due, at most until `deadline`.
    ///
    /// # Errors
    ///
    /// The failure of every request for a key, as long as no policy counts.
    pub(super) async fn policy(
        &self,
        in_force: &InForce,
        deadline: Tick,
    ) -> Result<Option<Arc<Accepted>>, Failure> {
        if self.lock.current().is_some() {
            // No look, and no wait for one: the broker gives no key.
            return Ok(None);
        }
        let current = self.policy.current(deadline).await;
        current.map_err(|error| {
            error_report::of_no_policy(&error, in_force.config.ask_administrator())
        })
    }

    /// Checks that the policy allows the key of `profile`, which must exist, apart from the client
    /// that it is for. The keys that the policy rejects are so from now on.
    ///
    /// # Errors
    ///
    /// The failure of a request for that key.
    pub(super) async fn check_policy(
        &self,
        in_force: &InForce,
        profile: &str,
        deadline: Tick,
    ) -> Result<(), Failure> {
        let Some(policy) = self.policy(in_force, deadline).await? else {
            return Ok(());
        };
        let checked = in_force.profile_policy(&policy, profile).enforce(None);
        checked.map_err(|denial| denied(in_force, profile, &denial))
    }

    /// Why the policy denies the key of `profile`, which must exist, as far as that is known
    /// without a look: the next request looks first if no policy counts and the last look, if there
    /// was one, has not failed.
    pub(super) fn policy_denial(&self, in_force: &InForce, profile: &str) -> Option<PolicyDenial> {
        let policy = match self.policy.known() {
            Ok(policy) => policy?,
            Err(error) => {
                let administrator = in_force.config.ask_administrator();
                return error.has_failed().then(|| PolicyDenial {
                    reason: error.to_string(),
                    failure: error_report::of_no_policy(&error, administrator),
                    is_for_some: false,
                });
            }
        };
        let policy = in_force.profile_policy(&policy, profile);
        let denial = policy.denial(None)?;
        Some(PolicyDenial {
            reason: denial.to_string(),
            failure: denied(in_force, profile, &denial),
            is_for_some: policy.is_allowed_somewhere(),
        })
    }
}

/// The failure of a request for the key of `profile`.
fn denied(in_force: &InForce, profile: &str, denial: &Denial) -> Failure {
    error_report::of_policy(profile, denial, in_force.config.ask_administrator())
}

/// Checks that `policy` allows the key of `profile` to `client`, which is a client of `gateway`.
///
/// # Errors
///
/// The failure of the request.
pub(super) fn permit_client(
    in_force: &InForce,
    policy: &Accepted,
    profile: &str,
    gateway: Option<&str>,
    client: Option<&Client>,
) -> Result<(), Failure> {
    let policy = in_force.profile_policy(policy, profile);
    // Here, too, and not only when the policy arrived: the request may have waited for it.
    let checked = policy.enforce(gateway);
    checked.map_err(|denial| denied(in_force, profile, &denial))?;
    if !policy.rules().restricts_callers() {
        return Ok(());
    }
    let owner = ManagedOwner::of_this_machine();
    let programs = client.and_then(|client| client.programs(&owner));
    let checked = policy.rules().check_caller(programs.as_deref());
    checked.map_err(|denial| {
        let administrator = in_force.config.ask_administrator();
        error_report::of_policy_caller(profile, &denial, administrator)
    })
}
