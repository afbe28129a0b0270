//! LiteLLM's process. Its start costs ten seconds of processor time, so all tests share one process
//! for each way in which it is configured.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use claviger::demo::gateway::TestGateway;
use reqwest::RequestBuilder;
use serde_json::json;
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::OnceCell};

use super::{
    front::GATEWAY,
    keys::{KeyCheck, Keys},
};
use crate::support::{
    answers::{MESSAGES, secret},
    poll::until,
    tools::{free_port, tool},
};

/// The only key that LiteLLM accepts without a database and without a custom check.
pub(super) const MASTER_KEY: &str = "sk-litellm-master-0c41d7";

/// A model with a name of its own, which `/v1/models` lists.
const MODEL: &str = "claude-sonnet-4-5";

/// What LiteLLM sends to the model's provider.
const PROVIDER_KEY: &str = "sk-litellm-provider-93be55";

/// The limit for the start, while other tests keep the machine busy.
const START_LIMIT: Duration = Duration::from_secs(240);

/// The tests' runtimes end with them; the model's provider does not.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A LiteLLM that runs until the test process ends.
pub(super) struct LiteLlmProcess {
    url: String,
    /// Its standard input is open as long as this process lives: see `proxy.py`.
    _child: Child,
    /// The model's provider.
    _provider: TestGateway,
}

impl LiteLlmProcess {
    /// The process that checks keys in `custom_auth.py`.
    pub(super) async fn with_custom_auth() -> &'static Self {
        static PROCESS: OnceCell<LiteLlmProcess> = OnceCell::const_new();
        let settings = "  custom_auth: custom_auth.user_api_key_auth\n";
        PROCESS.get_or_init(|| Self::start(settings)).await
    }

    /// The process that has only its master key, and no database with others. It offers the sign-in
    /// with a device's code below the path for Claude Code.
    pub(super) async fn with_master_key() -> &'static Self {
        static PROCESS: OnceCell<LiteLlmProcess> = OnceCell::const_new();
        PROCESS
            .get_or_init(|| Self::start("  enable_claude_code_gateway: true\n"))
            .await
    }

    /// `http://127.0.0.1:PORT`.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Starts a process with these general settings and waits until it is ready.
    async fn start(settings: &str) -> Self {
        let provider = RUNTIME.spawn(TestGateway::start([secret(PROVIDER_KEY)]));
        let provider = provider.await.unwrap().unwrap();
        // `proxy.py` removes it.
        let directory = TempDir::new().unwrap().keep();
        let write = |name: &str, text: &str| fs::write(directory.join(name), text).unwrap();
        write("config.yaml", &config(&provider.url(), settings));
        write("custom_auth.py", include_str!("custom_auth.py"));
        write("proxy.py", include_str!("proxy.py"));
        let port = free_port();
        let mut child = command(&directory, port).spawn().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        // Both processes accept it.
        let keys = Keys::new(KeyCheck::Custom);
        keys.edit(|accepted| accepted.push(MASTER_KEY.to_owned()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let accepts = async |request: RequestBuilder| {
            let request = request.bearer_auth(MASTER_KEY);
            let response = request.header(GATEWAY, keys.directory()).send().await;
            response.is_ok_and(|response| response.status().is_success())
        };
        until("LiteLLM is ready or has ended", START_LIMIT, async || {
            accepts(client.get(format!("{url}/v1/models"))).await
                || child.try_wait().unwrap().is_some()
        })
        .await;
        // Its first message takes seconds, which a test's client or probe would wait for.
        let message = json!({
            "model": MODEL,
            "max_tokens": 1,
            "messages": [{ "role": "user", "content": "the first one" }],
        });
        let is_answered = accepts(client.post(format!("{url}{MESSAGES}")).json(&message)).await;
        assert!(
            is_answered,
            "LiteLLM has not answered: {}",
            fs::read_to_string(directory.join("log")).unwrap()
        );
        Self {
            url,
            _child: child,
            _provider: provider,
        }
    }
}

fn command(directory: &Path, port: u16) -> Command {
    let log = File::create(directory.join("log")).unwrap();
    // Its programs lie beside each other, in the directory to which the link points.
    let python = tool("litellm").canonicalize().unwrap();
    let mut command = Command::new(python.with_file_name("python3"));
    command
        .args(["proxy.py", "--config", "config.yaml"])
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--telemetry", "False"])
        .current_dir(directory)
        .env_clear()
        .env("HOME", directory)
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    // Otherwise it fetches these lists at its start.
    for list in [
        "MODEL_COST_MAP",
        "ANTHROPIC_BETA_HEADERS",
        "AUTOROUTER_PRESETS",
        "BLOG_POSTS",
        "POLICY_TEMPLATES",
    ] {
        command.env(format!("LITELLM_LOCAL_{list}"), "True");
    }
    command
}

/// All of Claude's models, at the provider `url`.
fn config(url: &str, settings: &str) -> String {
    format!(
        r#"model_list:
  - model_name: "claude-*"
    litellm_params:
      model: "anthropic/claude-*"
      api_base: "{url}"
      api_key: "{PROVIDER_KEY}"
  - model_name: "{MODEL}"
    litellm_params:
      model: "anthropic/{MODEL}"
      api_base: "{url}"
      api_key: "{PROVIDER_KEY}"
general_settings:
  master_key: "{MASTER_KEY}"
{settings}"#
    )
}
