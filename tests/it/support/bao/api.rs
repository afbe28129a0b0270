//! Requests with the root token, and what the tests configure with them.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use super::Bao;

/// The token of the tests' own requests.
pub(super) const ROOT_TOKEN: &str = "root";

impl Bao {
    /// Sends a request; returns the response's status and body, `null` if that is empty.
    pub(crate) async fn api(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        self.api_with(method, path, body, &[]).await
    }

    /// [`Bao::api`], with further headers.
    pub(crate) async fn api_with(
        &self,
        method: Method,
        path: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let mut request = self
            .client
            .request(method, format!("{}/v1/{path}", self.url()))
            .header("X-Vault-Token", ROOT_TOKEN);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Writes to `path`, which must succeed; returns the response's body.
    pub(crate) async fn write(&self, path: &str, body: Value) -> Value {
        let (status, response) = self.api(Method::POST, path, body).await;
        assert!(status < 300, "{path}: {status} {response}");
        response
    }

    /// Sets a policy: pairs of a path and a capability.
    pub(crate) async fn set_policy(&self, name: &str, rules: &[(&str, &str)]) {
        let policy = rules
            .iter()
            .fold(String::new(), |mut policy, (path, capability)| {
                let _ = writeln!(
                    policy,
                    "path \"{path}\" {{ capabilities = [\"{capability}\"] }}"
                );
                policy
            });
        self.write(
            &format!("sys/policies/acl/{name}"),
            json!({"policy": policy}),
        )
        .await;
    }

    /// Limits the rate of requests to `path` (all paths if it is empty): `rate` in each `interval`.
    pub(crate) async fn set_quota(
        &self,
        path: &str,
        rate: f64,
        interval: &str,
        with_headers: bool,
    ) {
        let config = json!({"enable_rate_limit_response_headers": with_headers});
        self.write("sys/quotas/config", config).await;
        let quota = json!({"path": path, "rate": rate, "interval": interval});
        self.write("sys/quotas/rate-limit/test", quota).await;
    }

    /// Seals the server. Only a server in memory can be unsealed again.
    pub(crate) async fn seal(&self) {
        self.write("sys/seal", Value::Null).await;
    }

    pub(crate) async fn unseal(&self) {
        let log = self.log();
        let key = log
            .lines()
            .find_map(|line| line.strip_prefix("Unseal Key: "));
        self.write("sys/unseal", json!({"key": key.unwrap()})).await;
        self.until_ready().await;
    }
}

/// Returns a JSON string's text, or an empty text for any other value.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Adds the fields of the object `more` to the object `into`, or replaces them.
pub(super) fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}
