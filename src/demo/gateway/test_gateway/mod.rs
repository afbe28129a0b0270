//! The gateway that tests control: a list of keys that changes while it runs, answers that differ
//! from path to path and from key to key, a log of the requests, and faults on demand.

mod answers;
mod fault;
mod key_list;
mod log;
#[cfg(test)]
mod tests;

use std::{io, sync::Arc};

use self::{answers::Answers, fault::Faults, key_list::KeyList, log::Log};
pub use self::{
    answers::{Answer, Requests},
    fault::Fault,
    log::LoggedRequest,
};
use super::{
    demo_gateway::DemoGateway,
    keys, messages,
    response::GatewayResponse,
    routes::{self, GatewayRequest},
    serve::Handler,
};
use crate::secret::Secret;

/// The beginning of every answer; the last text of the request follows.
pub const GREETING: &str = messages::GREETING;

/// A gateway that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct TestGateway {
    gateway: DemoGateway,
    control: Arc<Control>,
}

/// What the connections share with the test.
#[derive(Debug, Default)]
struct Control {
    keys: KeyList,
    answers: Answers,
    faults: Faults,
    log: Log,
}

impl TestGateway {
    /// Starts a gateway that accepts these keys.
    ///
    /// # Errors
    ///
    /// Returns the system's error if no port on loopback is available.
    pub async fn start(keys: impl IntoIterator<Item = Secret>) -> io::Result<Self> {
        let control = Arc::new(Control::default());
        control.keys.set(keys);
        let gateway = DemoGateway::serve(Arc::clone(&control)).await?;
        Ok(Self { gateway, control })
    }

    /// The value for `ANTHROPIC_BASE_URL`: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.gateway.url()
    }

    /// Replaces the accepted keys.
    pub fn set_keys(&self, keys: impl IntoIterator<Item = Secret>) {
        self.control.keys.set(keys);
    }

    /// Accepts one more key.
    pub fn accept(&self, key: Secret) {
        self.control.keys.accept(key);
    }

    /// Stops accepting this key.
    pub fn revoke(&self, key: &Secret) {
        self.control.keys.revoke(key);
    }

    /// Gives `answer` to these requests to `path`, such as `/v1/models`, until
    /// [`TestGateway::clear_answers`]. A fault of the same path has priority.
    pub fn set_answer(&self, path: &str, requests: Requests, answer: Answer) {
        self.control.answers.set(path, requests, answer);
    }

    /// Lets all paths answer by the list of keys again.
    pub fn clear_answers(&self) {
        self.control.answers.clear();
    }

    /// Applies a fault to the requests to `path`, such as `/v1/models`, until
    /// [`TestGateway::clear_faults`].
    pub fn set_fault(&self, path: &str, fault: Fault) {
        self.control.faults.set(path, fault);
    }

    /// Ends all faults. A request that a fault left unanswered stays unanswered.
    pub fn clear_faults(&self) {
        self.control.faults.clear();
    }

    /// All requests so far, the oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.control.log.requests()
    }

    /// How many requests to `path` were answered with `status`.
    #[must_use]
    pub fn count(&self, path: &str, status: u16) -> usize {
        self.control.log.count(path, status)
    }

    /// Stops the gateway and waits until its port is closed.
    pub async fn stop(self) {
        self.gateway.stop().await;
    }
}

impl Handler for Control {
    async fn answer(&self, request: GatewayRequest) -> GatewayResponse {
        let entry = LoggedRequest::new(&request);
        let fault = self.faults.get(&entry.path);
        if fault == Some(Fault::Stall) {
            self.log.push(entry);
            return std::future::pending().await;
        }
        let response = match fault.as_ref().and_then(|fault| fault.response(&request)) {
            Some(response) => response,
            None => {
                let is_authorized = fault == Some(Fault::Unchecked)
                    || keys::authorized(&request.keys, |key| self.keys.accepts(key));
                match self.answers.get(&request, is_authorized) {
                    Some(answer) => {
                        routes::discard_body(request).await;
                        answer.response()
                    }
                    None => routes::answer(request, is_authorized).await,
                }
            }
        };
        self.log.push(entry.answered(response.status()));
        response
    }
}
