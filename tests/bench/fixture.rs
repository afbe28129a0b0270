//! What is measured: a machine whose key is in OpenBao, behind a login.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::support::{
    Bao, TestEnv,
    bao::AppRoleCredentials,
    tools::tool,
    vault_config::{approle_auth, vault_config},
};

/// Of the length of many gateways' keys.
pub(crate) const KEY: &str = "sk-figures-0123456789abcdef0123456789abcdef";

/// The path of the key in the engine at `secret`.
const PATH: &str = "team/key";

pub(crate) struct BenchFixture {
    pub(crate) bao: Bao,
    pub(crate) role: AppRoleCredentials,
    pub(crate) env: TestEnv,
}

impl BenchFixture {
    pub(crate) async fn new() -> Self {
        let bao = Bao::start_with_key(PATH, KEY).await;
        let role = bao.enable_approle(json!({})).await;
        let env = env(&bao.url(), &role.role_id, &role.secret_id);
        Self { bao, role, env }
    }

    /// The number of logins and of reads of the key.
    pub(crate) fn logins_and_reads(&self) -> (usize, usize) {
        let logins = self.bao.count("update", "auth/approle/login");
        (
            logins,
            self.bao.count("read", &format!("secret/data/{PATH}")),
        )
    }

    /// The peer: reads the key as scripts do today.
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

/// A machine with a role of approle and the key at this Vault.
pub(crate) fn env(address: &str, role_id: &str, secret_id: &str) -> TestEnv {
    let env = TestEnv::new();
    // The default, not the tests' `trace`, at which every request is logged.
    env.set_variable("CLAVIGER_LOG", "info");
    env.add_secret(KEY);
    let secret_id = env.write_secret_file("secret-id", secret_id);
    let auth = approle_auth(role_id, &secret_id);
    env.write_config(&vault_config(address, &format!("secret/{PATH}"), "", &auth));
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

/// The variables that a command sets.
pub(crate) fn variables(command: &Command) -> impl Iterator<Item = (&OsStr, &OsStr)> {
    let variables = command.get_envs();
    variables.filter_map(|(name, value)| Some((name, value?)))
}

/// A program with an empty environment, and pipes as the client gives to the shim.
pub(crate) fn plain(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
