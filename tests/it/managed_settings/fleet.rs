//! A developer's machine with the managed configuration and the managed settings of her company.

use serde_json::Value;

use crate::support::{
    claude::ClaudeCode,
    namespace::{Namespace, User},
};

/// The key that Claviger hands out.
pub(super) const KEY: &str = "sk-of-the-company";
/// What a hostile setting would have sent in its place.
pub(super) const FOREIGN: &str = "sk-of-the-attacker";

const CONFIG: &str = "/etc/claviger/config.toml";
const DROP_INS: &str = "/etc/claude-code/managed-settings.d";

/// ana's machine, of which the company manages Claviger and Claude Code.
pub(super) struct Fleet {
    machine: Namespace,
    gateway: String,
    settings: Value,
}

impl Fleet {
    /// A machine with this version of the client, and the settings for `gateway` that are printed
    /// there.
    pub(super) fn new(client: &str, gateway: &str) -> Self {
        let machine = Namespace::with_tool(client);
        machine.directory("/run/user/4242", User::Ana, 0o700);
        machine.directory("/etc/claude-code", User::Root, 0o755);
        machine.directory(DROP_INS, User::Root, 0o755);
        machine.write(CONFIG, User::Root, &config(gateway));
        let helper = format!("--helper={}/claviger-helper", Namespace::PROGRAMS);
        let args = ["managed-settings", &helper];
        let printed = machine.run(User::Root, "claviger", &args, &[]);
        let settings = serde_json::from_str(printed.succeeded()).unwrap();
        let fleet = Self {
            machine,
            gateway: gateway.to_owned(),
            settings,
        };
        fleet.manage(&fleet.settings);
        fleet
    }

    /// The settings that are printed.
    pub(super) fn settings(&self) -> &Value {
        &self.settings
    }

    /// Puts `settings` into the place of the managed ones.
    pub(super) fn manage(&self, settings: &Value) {
        let file = format!("{DROP_INS}/50-claviger.json");
        self.machine.write(&file, User::Root, &settings.to_string());
    }

    /// ana's client, with her own settings of another helper and another server.
    pub(super) fn client(&self) -> ClaudeCode {
        let mut client = ClaudeCode::of_ana(&self.machine, &self.gateway, &[]);
        client.set_helper(&format!("echo {FOREIGN}"));
        client
    }

    /// Writes a file of ana's.
    pub(super) fn write(&self, path: &str, settings: &Value) {
        self.machine.write(path, User::Ana, &settings.to_string());
    }

    /// The path by which this process reaches `path` on the machine.
    pub(super) fn outside(&self, path: &str) -> std::path::PathBuf {
        self.machine.outside(path)
    }
}

/// A configuration whose only source prints [`KEY`].
pub(super) fn config(gateway: &str) -> String {
    format!(
        "version = 1\n[profile.default]\nsource = \"s\"\ngateway = \"{gateway}\"\n\
         [source.s]\ntype = \"exec\"\ncommand = [\"/bin/echo\", \"{KEY}\"]\n"
    )
}
