//! `claviger policy`: signed policies, compared with OpenSSL's signatures and with Vault's; and in
//! [`central`] how a daemon gets them and what it does then.

mod central;
mod effect;
mod evidence;
mod keys;
mod signature;
mod transit;

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::support::{TestEnv, test_env::set_mode};

const POLICY: &str = "\
version = 1
counter = 42
watch = \"1m\"

[rule.rotation]
rotate_after = 2026-11-01T20:00:00Z

[rule.stolen]
users = [\"ana\"]
disabled = \"your laptop was reported stolen; call 1234\"
";

/// Runs openssl, which must succeed; returns what it prints.
fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    output.stdout
}

/// A machine of a security engineer, with a signing key and a policy.
struct Engineer {
    env: TestEnv,
    key: String,
    policy: String,
}

impl Engineer {
    fn new() -> Self {
        let env = TestEnv::new();
        let key = env.path("secrets/key.pem").to_str().unwrap().to_owned();
        openssl(&["genpkey", "-algorithm", "ed25519", "-out", &key]);
        set_mode(Path::new(&key), 0o600);
        env.declare_input(Path::new(&key));
        for line in fs::read_to_string(&key).unwrap().lines() {
            if !line.starts_with('-') {
                env.add_secret(line);
            }
        }
        let policy = env.write_file("policy.toml", POLICY);
        Self { env, key, policy }
    }

    fn file(&self, name: &str, text: &str) -> String {
        self.env.write_file(name, text)
    }

    async fn signed(&self, policy: &str) -> String {
        let args = ["policy", "sign", policy, "--key", &self.key];
        let output = self.env.claviger(&args).await;
        output.succeeded().to_owned()
    }

    async fn public_key(&self, key: &str) -> String {
        let args = ["policy", "public-key", "--key", key];
        self.env.claviger(&args).await.succeeded().trim().to_owned()
    }

    /// Verifies a policy, which must not be valid; returns the reason.
    async fn invalid(&self, text: &str, more: &[&str]) -> String {
        let file = self.file("other.jws", text);
        let args = [&["policy", "verify", &file], more].concat();
        let output = self.env.claviger(&args).await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (Some(1), ""),
            "{output:?}"
        );
        let json = self.env.claviger(&[&args[..], &["--json"]].concat()).await;
        assert_eq!((json.code, json.stderr.as_str()), (Some(1), ""), "{json:?}");
        let json: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json["valid"], false);
        assert!(
            output.stderr.contains(json["error"].as_str().unwrap()),
            "{json}"
        );
        output.stderr
    }
}

async fn json_of(env: &TestEnv, args: &[&str]) -> Value {
    serde_json::from_str(env.claviger(args).await.succeeded()).unwrap()
}
