//! A real LiteLLM as the gateway: what it answers, and what a developer notices of it.
//!
//! The scenarios print their counts and times and assert their bounds, as those in
//! [`crate::scenarios`], which have the embedded gateway.

mod answers;
mod client;
mod jwt;
mod older_client;
mod quiet;
mod rotation;
mod silent;

use crate::{
    scenarios::FIRST,
    support::litellm::{KeyCheck, LiteLlm},
};

/// A gateway that accepts the first key of the scenarios. Call it before the lock of the machine is
/// acquired: it may have to start LiteLLM.
async fn accepting(check: KeyCheck) -> LiteLlm {
    LiteLlm::start(check, &[FIRST]).await
}
