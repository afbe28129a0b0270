//! A gateway whose keys a test changes: the embedded one, or LiteLLM.

use claviger::demo::gateway::{LoggedRequest, TestGateway};

use super::answers::secret;

/// A gateway with a list of keys and a log of its answers.
pub(crate) trait ScriptedGateway {
    /// The value for `ANTHROPIC_BASE_URL`: `http://127.0.0.1:PORT`.
    fn url(&self) -> String;

    /// Replaces the accepted keys.
    fn set_keys(&self, keys: &[&str]);

    /// Accepts one more key.
    fn accept(&self, key: &str);

    /// Stops accepting this key.
    fn revoke(&self, key: &str);

    /// All requests so far, the oldest first.
    fn requests(&self) -> Vec<LoggedRequest>;

    /// How many requests to `path` were answered with `status`.
    fn count(&self, path: &str, status: u16) -> usize {
        let matches =
            |request: &&LoggedRequest| request.path == path && request.status == Some(status);
        self.requests().iter().filter(matches).count()
    }
}

impl ScriptedGateway for TestGateway {
    fn url(&self) -> String {
        self.url()
    }

    fn set_keys(&self, keys: &[&str]) {
        self.set_keys(keys.iter().copied().map(secret));
    }

    fn accept(&self, key: &str) {
        self.accept(secret(key));
    }

    fn revoke(&self, key: &str) {
        self.revoke(&secret(key));
    }

    fn requests(&self) -> Vec<LoggedRequest> {
        self.requests()
    }
}
