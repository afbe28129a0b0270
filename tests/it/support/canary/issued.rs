//! What the servers and programs of one test have issued and printed.
//!
//! libtest runs each test on a thread of its own, and the runtime of a test has no other thread:
//! what is added here belongs to the test of this thread.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::Canary;

thread_local! {
    static SECRETS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static TEXTS: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
    static AUDIT_LOGS: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
}

/// Adds a secret that a server has issued, or that a fixture has generated.
pub(crate) fn add(secret: &str) {
    SECRETS.with_borrow_mut(|secrets| secrets.push(secret.to_owned()));
}

/// Adds the secrets in a response of a token endpoint (RFC 6749), if it is one.
pub(crate) fn add_tokens(body: &[u8]) {
    const TOKENS: [&str; 4] = ["access_token", "id_token", "refresh_token", "client_secret"];
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let tokens = TOKENS.iter().filter_map(|name| body[name].as_str());
    tokens.for_each(add);
}

/// Adds what the shim has printed, if it is a key in one of its formats.
pub(crate) fn add_printed(stdout: &str) {
    let printed = stdout.trim_end();
    let Ok(Value::Object(object)) = serde_json::from_str(printed) else {
        // The help and the version have several words.
        if !printed.contains(char::is_whitespace) {
            add(printed);
        }
        return;
    };
    let headers = object.get("headers").and_then(Value::as_object);
    let headers = headers.into_iter().flat_map(|headers| headers.values());
    let authorization = ["Authorization", "access_token", "token"];
    let own = authorization.iter().filter_map(|name| object.get(*name));
    for value in own.chain(headers).filter_map(Value::as_str) {
        add(value.strip_prefix("Bearer ").unwrap_or(value));
    }
}

/// Adds a text that must not contain a secret.
pub(crate) fn record(origin: &str, text: &str) {
    TEXTS.with_borrow_mut(|texts| texts.push((origin.to_owned(), text.to_owned())));
}

/// Adds the audit log of an OpenBao, which is written without hashes.
pub(crate) fn add_audit_log(path: &Path) {
    AUDIT_LOGS.with_borrow_mut(|logs| logs.push(path.to_owned()));
}

/// Reads an audit log before its server's directory is removed.
pub(crate) fn read_audit_log(path: &Path) {
    for entry in fs::read_to_string(path).unwrap_or_default().lines() {
        // The last line may be incomplete.
        let entry: Value = serde_json::from_str(entry).unwrap_or_default();
        secrets_of(&entry).into_iter().for_each(add);
    }
}

/// Adds everything of this test to `canary`.
pub(crate) fn add_to(canary: &mut Canary) {
    for path in AUDIT_LOGS.with_borrow(Clone::clone) {
        read_audit_log(&path);
    }
    SECRETS.with_borrow(|secrets| secrets.iter().for_each(|secret| canary.add_secret(secret)));
    TEXTS.with_borrow(|texts| {
        for (origin, text) in texts {
            canary.record(origin, text.as_str());
        }
    });
}

/// The tokens, secret-ids, passwords and wrapping tokens in an entry of the audit log.
fn secrets_of(entry: &Value) -> Vec<&str> {
    const SECRETS: [&str; 9] = [
        "/request/client_token",
        "/request/data/jwt",
        "/request/data/password",
        "/request/data/secret_id",
        "/response/auth/client_token",
        "/response/data/password",
        "/response/data/secret_id",
        "/response/data/token",
        "/response/wrap_info/token",
    ];
    let texts = SECRETS.iter().filter_map(|pointer| entry.pointer(pointer));
    texts.filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whether `text` is a leak after what this thread has added.
    fn is_secret(text: &str) -> bool {
        let mut canary = Canary::default();
        add_to(&mut canary);
        canary.record("text", text);
        !canary.leaks().is_empty()
    }

    #[test]
    fn what_the_shim_prints_is_a_secret_in_every_format() {
        add_printed("sk-canary-plain\n");
        add_printed("{\"Authorization\":\"Bearer sk-canary-headers\"}\n");
        add_printed(
            "{\"token\":\"sk-canary-json\",\"headers\":{\"x-api-key\":\"sk-canary-header\"},\"expires_at\":\"2030-01-01T00:00:00Z\"}\n",
        );
        add_printed(
            "{\"access_token\":\"sk-canary-oauth\",\"token_type\":\"Bearer\",\"expires_in\":60}\n",
        );
        add_printed("claviger-helper 0.1.0\n");
        for name in ["plain", "headers", "json", "header", "oauth"] {
            assert!(is_secret(&format!("sk-canary-{name}")), "{name}");
        }
        for text in ["claviger-helper 0.1.0", "2030-01-01T00:00:00Z", "Bearer"] {
            assert!(!is_secret(text), "{text}");
        }
    }

    #[test]
    fn what_a_server_issues_is_a_secret() {
        let tokens = json!({"access_token": "at-canary-1", "refresh_token": "rt-canary-1", "scope": "openid profile"});
        add_tokens(tokens.to_string().as_bytes());
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("audit.log");
        let login = json!({"request": {"data": {"role_id": "role-canary", "secret_id": "sid-canary"}},
            "response": {"auth": {"client_token": "hvs.canary-1"}}});
        fs::write(&log, format!("{login}\n{{\"incompl")).unwrap();
        add_audit_log(&log);
        for secret in ["at-canary-1", "rt-canary-1", "sid-canary", "hvs.canary-1"] {
            assert!(is_secret(secret), "{secret}");
        }
        assert!(!is_secret("role-canary openid profile"));
    }

    #[test]
    fn a_recorded_text_is_searched() {
        add("sk-canary-5f3a9c");
        let mut canary = Canary::default();
        record("a program's stderr", "no: sk-canary-5f3a9c");
        add_to(&mut canary);
        assert_eq!(canary.leaks().len(), 1);
    }
}
