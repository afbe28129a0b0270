//! The requests that the server received from clients, read from its audit log.

use std::fs;

use serde_json::Value;

use super::{Bao, api::text};

impl Bao {
    /// How many requests for `path` (without namespace and `/v1/`) clients have sent. The tests'
    /// own requests do not count.
    pub(crate) fn count(&self, operation: &str, path: &str) -> usize {
        let matches = |request: &(String, String)| request.0 == operation && request.1 == path;
        self.requests()
            .iter()
            .filter(|request| matches(request))
            .count()
    }

    /// The operation and the path of all requests that clients have sent.
    pub(crate) fn requests(&self) -> Vec<(String, String)> {
        let log = fs::read_to_string(self.path("audit.log")).unwrap_or_default();
        // The last line may be incomplete.
        log.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|entry| entry["type"] == "request" && !is_tests_own(entry))
            .map(|entry| {
                let request = &entry["request"];
                (text(&request["operation"]), text(&request["path"]))
            })
            .collect()
    }
}

fn is_tests_own(entry: &Value) -> bool {
    let policies = entry["auth"]["policies"].as_array();
    policies.is_some_and(|policies| policies.iter().any(|policy| policy == "root"))
        || entry["request"]["path"] == "sys/audit/test"
}
