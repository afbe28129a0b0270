//! A key in a real OpenBao, the gateway that it is for, and a developer's machine.

use claviger::demo::gateway::TestGateway;
use serde_json::{Value, json};

use super::{
    Bao, KEY, TestEnv,
    answers::secret,
    poll::{SOON, until},
    vault_config::{token_auth, vault_config},
};

/// The route that is probed.
pub(crate) const MODELS: &str = "/v1/models";

/// The keys that replace [`KEY`], one after the other.
pub(crate) const SECOND: &str = "sk-canary-77b1e0";
pub(crate) const THIRD: &str = "sk-canary-c02d94";

/// An OpenBao that has [`KEY`] at `secret/k`, an embedded gateway that accepts it, and a machine.
pub(crate) struct KeyFixture {
    pub(crate) bao: Bao,
    pub(crate) gateway: TestGateway,
    pub(crate) env: TestEnv,
}

impl KeyFixture {
    /// Starts everything. `watch` is the source's watch interval.
    pub(crate) async fn start(watch: &str) -> Self {
        let bao = Bao::start_with_key("k", KEY).await;
        let gateway = TestGateway::start([secret(KEY)]).await.unwrap();
        let env = TestEnv::new();
        for key in [KEY, SECOND, THIRD] {
            env.add_secret(key);
        }
        let token = env.write_secret_file("token", &bao.create_token(json!({})).await);
        let watch = format!("watch = \"{watch}\"");
        env.write_config(&vault_config(
            &bao.url(),
            "secret/k",
            &watch,
            &token_auth(&token),
        ));
        let fixture = Self { bao, gateway, env };
        fixture.add_to_profile(&format!("gateway = \"{}\"", fixture.gateway.url()));
        fixture
    }

    /// [`KeyFixture::start`]; the helper has run, and the gateway has accepted the key in a probe.
    pub(crate) async fn start_proven(watch: &str) -> Self {
        let fixture = Self::start(watch).await;
        fixture.env.helper().await.printed(KEY);
        fixture.until_probed("accepted").await;
        fixture
    }

    /// Adds `line` to the profile's table.
    pub(crate) fn add_to_profile(&self, line: &str) {
        let table = "[profile.default]\n";
        self.env
            .edit_config(|config| config.replace(table, &format!("{table}{line}\n")));
    }

    /// Writes a version with this key to the source.
    pub(crate) async fn put(&self, key: &str) {
        self.bao.put("k", json!({"api_key": key})).await;
    }

    /// The profile in `claviger status --json`.
    pub(crate) async fn status(&self) -> Value {
        self.env.status().await["profiles"][0].clone()
    }

    /// Waits until the last probe has this result; returns the profile.
    pub(crate) async fn until_probed(&self, result: &str) -> Value {
        let mut profile = Value::Null;
        until(&format!("probed: {result}"), SOON, async || {
            profile = self.status().await;
            profile["last_probe"]["result"] == result
        })
        .await;
        profile
    }

    /// How many requests the daemon has sent to the probed route, those with a wrong key included.
    pub(crate) fn probes(&self) -> usize {
        let requests = self.gateway.requests();
        requests
            .iter()
            .filter(|request| request.path == MODELS)
            .count()
    }

    /// How often the key was read at the source.
    pub(crate) fn reads(&self) -> usize {
        self.bao.count("read", "secret/data/k")
    }
}

/// Whether one of the profile's remedies contains `part`.
pub(crate) fn advises(profile: &Value, part: &str) -> bool {
    let advice = profile["advice"].as_array().into_iter().flatten();
    advice
        .filter_map(Value::as_str)
        .any(|text| text.contains(part))
}
