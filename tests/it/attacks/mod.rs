//! Attacks on ana by a repository that she has cloned, with the real Claude Code: the `env` of the
//! project's settings reaches her helper. She has no managed settings, unless a test says so.
//!
//! In each attack her client takes a turn in the repository, her daemon ends, and the client takes
//! two more turns, whose helper has the repository's variables and starts the daemon. Afterwards a
//! clean client must get her own key.
//!
//! - proxy and CA, on the usual socket and on one of the repository:
//!   `network::a_proxy_and_a_ca_of_the_repository_get_no_secret`
//! - the same at the probe of the gateway:
//!   `network::the_probe_does_not_go_through_the_repositorys_proxy`
//! - the base URL, also with `CLAVIGER_PROFILE` and a socket of the repository:
//!   `network::a_gateway_of_the_repository_gets_no_key`, `gateway_rule`
//! - `CLAVIGER_CONFIG`, `XDG_CONFIG_HOME`, `HOME`:
//!   `daemon::no_source_of_the_repository_runs_in_the_usual_daemon`
//! - the same on a socket of the repository:
//!   `daemon::a_daemon_of_the_repository_serves_no_clean_client`
//! - `CLAVIGER_STATE_DIR` with a link `daemon.log`, a socket path with `$(…)`:
//!   `daemon::a_committed_link_is_not_written`
//! - `LD_PRELOAD`, `PATH`: `daemon::no_library_and_no_path_of_the_repository_is_used`
//! - `{env:NAME}`: `variables::the_repositorys_value_is_an_entry_of_its_own`; `*_env`: the module
//!   `variables` of the shim's tests
//! - no malice: one terminal's `PATH`, proxy and `TEAM`:
//!   `variables::the_first_terminal_decides_nothing_for_the_others`
//! - all at once, with a managed configuration:
//!   `daemon::a_managed_configuration_ignores_all_of_it`
//!
//! Attacks on `allowed_callers` by programs of her own user are in `callers`.

mod callers;
mod daemon;
mod network;
mod variables;

use std::fs;

use claviger::demo::gateway::TestGateway;

use crate::support::{
    answers::{answer, answers, secret},
    claude::ClaudeCode,
    namespace::{Namespace, User},
    poll::{SOON, until},
};

/// The key of ana's own configuration.
const OWN: &str = "sk-of-ana-herself";
/// The key of the repository's configuration.
const FOREIGN: &str = "sk-of-the-repository";

const CONFIG: &str = "/home/ana/.config/claviger/config.toml";
const PROJECT: &str = "/home/ana/project";
const STATE: &str = "/home/ana/.local/state/claviger";

/// ana's machine, her client, and the gateway that accepts her key.
struct Scene {
    client: ClaudeCode,
    gateway: TestGateway,
    machine: Namespace,
}

/// A source that prints `key` and says that it ran, in the file `/tmp/ran-KEY`.
fn source(key: &str) -> String {
    format!(
        "[profile.default]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\n\
         command = [\"/bin/sh\", \"-c\", \"echo >>/tmp/ran-{key}; echo {key}\"]\n"
    )
}

impl Scene {
    /// A machine on which ana's configuration is `toml`.
    async fn new(toml: &str) -> Self {
        let machine = Namespace::with_tool("claude");
        machine.directory("/run/user/4242", User::Ana, 0o700);
        machine.write(CONFIG, User::Ana, &format!("version = 1\n{toml}"));
        let foreign = format!("version = 1\n{}", source(FOREIGN));
        for place in ["config.toml", "claviger/config.toml"] {
            machine.write(&format!("{PROJECT}/{place}"), User::Ana, &foreign);
        }
        let home = format!("{PROJECT}/.config/claviger/config.toml");
        machine.write(&home, User::Ana, &foreign);
        machine.directory(&format!("{PROJECT}/run"), User::Ana, 0o700);
        let gateway = TestGateway::start([secret(OWN)]).await.unwrap();
        // Each turn runs the helper.
        let lifetime = [("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "1")];
        let client = ClaudeCode::of_ana(&machine, &gateway.url(), &lifetime);
        Self {
            client,
            gateway,
            machine,
        }
    }

    /// Turns in the repository, whose settings set `variables`. Her daemon ends after the first, so
    /// that the next turn's helper starts another. Returns whether the last was answered.
    async fn attack(&mut self, variables: &[(&str, &str)]) -> bool {
        self.client.enter_project(variables);
        let mut session = self.client.session();
        session.turn("What is up?").await;
        self.stop();
        // The helper runs beside this turn, which has the old key, and may end after it.
        session.turn("And now?").await;
        until("the helper has ended", SOON, async || {
            self.machine.pids_of("claviger-helper").is_empty()
        })
        .await;
        let turn = session.turn("And then?").await;
        session.end().await;
        !turn.is_error
    }

    /// Ends the daemon of the usual socket, if there is one.
    fn stop(&self) {
        self.machine.run(User::Ana, "claviger", &["stop"], &[]);
    }

    /// Checks that a clean client, and a clean shim, of ana's get her own key.
    async fn assert_clean_client_is_served(&mut self) {
        self.machine.helper(User::Ana, &[]).printed(OWN);
        self.client.leave_project();
        let before = answers(&self.gateway).len();
        let output = self.client.turn("And here?").await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(answers(&self.gateway)[before..], [answer(200, OWN)]);
    }

    /// Whether the source of `key` has ever run.
    fn has_run(&self, key: &str) -> bool {
        self.exists(&format!("/tmp/ran-{key}"))
    }

    fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(self.machine.outside(path)).is_ok()
    }

    /// The log of the daemon of the usual socket.
    fn log(&self) -> String {
        let log = self.machine.outside(&format!("{STATE}/daemon.log"));
        fs::read_to_string(log).unwrap_or_default()
    }

    /// Checks that the daemon was started by a helper with the repository's variable `name`.
    fn assert_ignored(&self, name: &str) {
        let line = format!("ignored event=\"setting-ignored\" name=\"{name}\"");
        assert!(self.log().contains(&line), "{name}: {}", self.log());
    }
}
