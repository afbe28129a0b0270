//! What is measured: a machine whose key is in an OpenBao, behind a login.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::support::{Bao, TestEnv, bao::AppRole, tools::tool};

/// As long as many gateways' keys are.
pub(crate) const KEY: &str = "sk-figures-0123456789abcdef0123456789abcdef";

/// The path of the key in the engine at `secret`.
const PATH: &str = "team/key";

pub(crate) struct BenchFixture {
    pub(crate) bao: Bao,
    pub(crate) role: AppRole,
    pub(crate) env: TestEnv,
}

impl BenchFixture {
    pub(crate) async fn new() -> Self {
        let bao = Bao::start().await;
        bao.put(PATH, json!({"api_key": KEY})).await;
        let role = bao.approle(json!({})).await;
        let env = env(&bao.url(), &role.role_id, &role.secret_id);
        Self { bao, role, env }
    }

    /// How often anybody has logged in, and how often the key was read.
    pub(crate) fn asked(&self) -> (usize, usize) {
        let logins = self.bao.asked("update", "auth/approle/login");
        (
            logins,
            self.bao.asked("read", &format!("secret/data/{PATH}")),
        )
    }

    /// What scripts do today.
    pub(crate) fn bao_get(&self, token: &str) -> Command {
        let mut command = plain(&tool("bao"));
        command
            .args(["kv", "get", "-mount=secret", "-field=api_key", PATH])
            .env("HOME", self.env.path("home"))
            .env("BAO_ADDR", self.bao.url())
            .env("BAO_TOKEN", token);
        command
    }
}

/// A machine with the AppRole and the key at this Vault.
pub(crate) fn env(address: &str, role_id: &str, secret_id: &str) -> TestEnv {
    let env = TestEnv::new();
    env.secret(KEY);
    let secret_id = env.secret_file("secret-id", secret_id);
    env.config(&format!(
        r#"
[profile.default]
source = "vault"

[source.vault]
type = "vault"
address = "{address}"
path = "secret/{PATH}"
field = "api_key"
auth = {{ method = "approle", role_id = "{role_id}", secret_id_file = "{secret_id}" }}
"#
    ));
    env
}

/// The shim on this machine.
pub(crate) fn shim(env: &TestEnv) -> Command {
    let command = env.command("claviger-helper", &[]);
    let command = command.as_std();
    let mut shim = plain(Path::new(command.get_program()));
    shim.envs(variables(command));
    shim
}

/// What a program finds in its environment.
pub(crate) fn variables(command: &Command) -> impl Iterator<Item = (&OsStr, &OsStr)> {
    let variables = command.get_envs();
    variables.filter_map(|(name, value)| Some((name, value?)))
}

/// A program with pipes and an empty environment, as the shim is started.
pub(crate) fn plain(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
