//! A developer's machine with a client, and the gateway that it talks to.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use claviger::demo::gateway::TestGateway;
use tokio::{process::Command, time::timeout};

use crate::support::{TestEnv, answers::secret, test_env::ProgramOutput};

/// The first key of every test, and the key that replaces it.
pub(super) const FIRST: &str = "sk-canary-5f3a9c";
pub(super) const SECOND: &str = "sk-canary-77b1e0";

/// The limit for a turn of a client.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A machine whose source prints the content of a file, and a gateway that accepts the first key.
pub(super) struct ClientFixture {
    pub(super) env: TestEnv,
    pub(super) gateway: TestGateway,
}

impl ClientFixture {
    pub(super) async fn start() -> Self {
        let env = TestEnv::new();
        let gateway = TestGateway::start([secret(FIRST)]).await.unwrap();
        let file = env.write_secret_file("key", FIRST);
        env.add_secret(SECOND);
        env.write_config(&format!(
            "[profile.default]\ngateway = \"{}\"\nsource = \"it\"\n\
             [source.it]\ntype = \"exec\"\ncommand = [\"/bin/cat\", \"{file}\"]\n",
            gateway.url()
        ));
        Self { env, gateway }
    }

    /// Replaces the key at the source and at the gateway. The daemon does not hear of it.
    pub(super) fn rotate(&self) {
        self.env.write_secret_file("key", SECOND);
        self.gateway.set_keys([secret(SECOND)]);
    }

    /// Runs `claviger configure CLIENT` with these arguments; it must succeed.
    pub(super) async fn configure(&self, args: &[&str]) -> String {
        let output = self.env.claviger(&[&["configure"], args].concat()).await;
        output.succeeded().to_owned()
    }

    /// A file in the home directory.
    pub(super) fn home(&self, name: &str) -> PathBuf {
        self.env.path("home").join(name)
    }

    /// Writes a file in the home directory.
    pub(super) fn write(&self, name: &str, text: &str) {
        self.env.write_input(&self.home(name), text);
    }

    /// Reads a file in the home directory.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home(name)).unwrap()
    }

    /// A program in the home directory with the machine's environment and `variables`.
    pub(super) fn command(
        &self,
        program: &Path,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Command {
        let own = self.env.command("claviger", &[]);
        let own = own.as_std().get_envs();
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .envs(own.filter_map(|(name, value)| Some((name, value?))))
            .envs(variables.iter().copied())
            .current_dir(self.env.path("home"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs such a program to its end.
    pub(super) async fn run(
        &self,
        program: &Path,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> ProgramOutput {
        let output = self.command(program, args, variables).output();
        let output = timeout(TIMEOUT, output).await;
        let output = output.expect("the client has not ended in time").unwrap();
        let output = ProgramOutput::from(output);
        let name = program.display();
        for (stream, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let origin = format!("the {stream} of {name}");
            self.env.record_output(&origin, text);
        }
        output
    }

    /// The statuses of the answers to requests to `path`, each with the key's fingerprint.
    pub(super) fn answers(&self, path: &str) -> Vec<(u16, String)> {
        let requests = self.gateway.requests().into_iter();
        let requests = requests.filter(|request| request.path == path);
        requests
            .map(|request| {
                let key = request.fingerprint.map(|key| key.to_string());
                (request.status.unwrap(), key.unwrap_or_default())
            })
            .collect()
    }
}
