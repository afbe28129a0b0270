//! A real OpenBao server. It is killed when it is dropped.

use std::{
    fmt::Write as _,
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    poll::{SOON, until},
    tls::{Ca, Identity},
    tools::{free_port, tool},
};

/// What the harness itself uses.
const ROOT: &str = "root";

/// What a server is started with.
#[derive(Default)]
pub(crate) struct Options {
    /// Its state outlives [`Bao::restart`].
    pub(crate) persistent: bool,
    /// It listens for TLS as well, with this certificate, and takes those of clients.
    pub(crate) tls: Option<Identity>,
    /// It listens on a unix socket as well.
    pub(crate) unix: bool,
}

/// See the module's documentation.
pub(crate) struct Bao {
    directory: TempDir,
    options: Options,
    port: u16,
    tls_port: u16,
    child: Option<Child>,
    client: reqwest::Client,
}

/// A role of the approle method.
pub(crate) struct AppRole {
    pub(crate) name: String,
    pub(crate) role_id: String,
    pub(crate) secret_id: String,
}

impl Bao {
    /// One in memory with plain HTTP, a KV v2 engine at `secret`, and the policy `reader`, which may read what is there.
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// One that listens for TLS as well, with a certificate of `ca`'s.
    pub(crate) async fn start_with_tls(ca: &Ca) -> Self {
        Self::start_with(Options {
            tls: Some(ca.server(&["127.0.0.1", "localhost"])),
            ..Options::default()
        })
        .await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let mut bao = Self {
            directory: TempDir::new().unwrap(),
            options,
            port: 0,
            tls_port: 0,
            child: None,
            client: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(10))
                .build()
                .unwrap(),
        };
        if let Some(identity) = &bao.options.tls {
            fs::write(bao.path("cert.pem"), &identity.cert).unwrap();
            fs::write(bao.path("key.pem"), &identity.key).unwrap();
        }
        // Somebody else may take a port between its choice and its use.
        for _ in 0..3 {
            (bao.port, bao.tls_port) = (free_port(), free_port());
            if bao.launch().await {
                if bao.options.persistent {
                    let engine = json!({"type": "kv", "options": {"version": "2"}});
                    bao.write("sys/mounts/secret", engine).await;
                    bao.until_versioned("secret").await;
                }
                bao.policy(
                    "reader",
                    &[
                        ("secret/data/*", "read"),
                        ("secret/metadata/*", "read"),
                        ("kv1/*", "read"),
                    ],
                )
                .await;
                return bao;
            }
        }
        panic!("OpenBao does not start: {}", bao.log());
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    /// `127.0.0.1:PORT`, as it is in messages.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `https://127.0.0.1:PORT`.
    pub(crate) fn tls_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.tls_port)
    }

    /// `unix:///…`.
    pub(crate) fn unix_url(&self) -> String {
        format!("unix://{}", self.path("bao.sock").display())
    }

    /// Sends a request with the root token; the answer's status and body (`null` where that is empty).
    pub(crate) async fn api(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        self.api_with(method, path, body, &[]).await
    }

    /// As [`Bao::api`], with more headers.
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
            .header("X-Vault-Token", ROOT);
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

    /// Writes to `path`, which must succeed, and gives what that answers.
    pub(crate) async fn write(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.api(Method::POST, path, body).await;
        assert!(status < 300, "{path}: {status} {answer}");
        answer
    }

    /// Writes a version of a secret of the KV v2 engine at `secret`.
    pub(crate) async fn put(&self, path: &str, data: Value) {
        self.write(&format!("secret/data/{path}"), json!({"data": data}))
            .await;
    }

    /// Mounts an engine of KV v1 at `kv1`.
    pub(crate) async fn mount_kv1(&self) {
        self.write("sys/mounts/kv1", json!({"type": "kv"})).await;
    }

    /// Mounts an engine of KV v2.
    pub(crate) async fn mount_kv2(&self, mount: &str) {
        let engine = json!({"type": "kv", "options": {"version": "2"}});
        self.write(&format!("sys/mounts/{mount}"), engine).await;
        self.until_versioned(mount).await;
    }

    /// Marks a version as deleted.
    pub(crate) async fn delete_version(&self, path: &str, version: u64) {
        let versions = json!({"versions": [version]});
        self.write(&format!("secret/delete/{path}"), versions).await;
    }

    /// Destroys a version.
    pub(crate) async fn destroy_version(&self, path: &str, version: u64) {
        let versions = json!({"versions": [version]});
        self.write(&format!("secret/destroy/{path}"), versions)
            .await;
    }

    /// Sets a policy: paths, and for each one a capability.
    pub(crate) async fn policy(&self, name: &str, rules: &[(&str, &str)]) {
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

    /// A token of the policy `reader`, or as `parameters` of `auth/token/create` have it.
    pub(crate) async fn token(&self, parameters: Value) -> String {
        let mut body = json!({"policies": ["reader"]});
        merge(&mut body, parameters);
        let answer = self.write("auth/token/create", body).await;
        text(&answer["auth"]["client_token"])
    }

    /// Enables a login method at the mount point of its name.
    pub(crate) async fn enable_auth(&self, method: &str) {
        self.write(&format!("sys/auth/{method}"), json!({"type": method}))
            .await;
    }

    /// A role whose tokens have the policy `reader` and what `parameters` say, with a secret-id.
    pub(crate) async fn approle(&self, parameters: Value) -> AppRole {
        self.enable_auth("approle").await;
        let role = "auth/approle/role/dev";
        let mut body = json!({"token_policies": ["reader"]});
        merge(&mut body, parameters);
        self.write(role, body).await;
        let (_, id) = self
            .api(Method::GET, &format!("{role}/role-id"), Value::Null)
            .await;
        AppRole {
            name: "dev".to_owned(),
            role_id: text(&id["data"]["role_id"]),
            secret_id: self.secret_id("dev").await,
        }
    }

    /// A new secret-id.
    pub(crate) async fn secret_id(&self, role: &str) -> String {
        let path = format!("auth/approle/role/{role}/secret-id");
        text(&self.write(&path, json!({})).await["data"]["secret_id"])
    }

    /// A new secret-id behind a wrapping token, which is given.
    pub(crate) async fn wrapped_secret_id(&self, role: &str) -> String {
        let path = format!("auth/approle/role/{role}/secret-id");
        let headers = [("X-Vault-Wrap-TTL", "60s")];
        let (_, answer) = self
            .api_with(Method::POST, &path, json!({}), &headers)
            .await;
        text(&answer["wrap_info"]["token"])
    }

    /// Enables userpass, with this user.
    pub(crate) async fn userpass(&self, user: &str, password: &str) {
        self.enable_auth("userpass").await;
        let body = json!({"password": password, "token_policies": ["reader"]});
        self.write(&format!("auth/userpass/users/{user}"), body)
            .await;
    }

    /// Enables jwt for what this key (PEM) verifies; the role `dev` wants this audience.
    pub(crate) async fn jwt(&self, public_key: &str, audience: &str) {
        self.enable_auth("jwt").await;
        let keys = json!({"jwt_validation_pubkeys": [public_key]});
        self.write("auth/jwt/config", keys).await;
        let role = json!({
            "role_type": "jwt", "user_claim": "sub", "bound_audiences": [audience], "token_policies": ["reader"],
        });
        self.write("auth/jwt/role/dev", role).await;
    }

    /// Enables cert for clients of `ca`'s; the role is `dev`.
    pub(crate) async fn cert(&self, ca: &Ca) {
        self.enable_auth("cert").await;
        let role = json!({"certificate": ca.pem, "token_policies": ["reader"]});
        self.write("auth/cert/certs/dev", role).await;
    }

    /// Lets no more than `rate` requests through in `interval`; `path` may be empty for all.
    pub(crate) async fn quota(&self, path: &str, rate: f64, interval: &str, with_headers: bool) {
        let config = json!({"enable_rate_limit_response_headers": with_headers});
        self.write("sys/quotas/config", config).await;
        let quota = json!({"path": path, "rate": rate, "interval": interval});
        self.write("sys/quotas/rate-limit/test", quota).await;
    }

    /// Seals it. (One in memory can be unsealed again.)
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

    /// It goes on to accept connections (the kernel does), and answers nothing.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// From now on connections are refused.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // SIGKILL ends what is frozen, too.
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again on the same ports.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        assert!(
            self.launch().await,
            "OpenBao does not start again: {}",
            self.log()
        );
    }

    /// How many requests for `path` (no namespace, no `/v1/`) clients have made; the harness's own do not count.
    pub(crate) fn asked(&self, operation: &str, path: &str) -> usize {
        let is_it = |asked: &(String, String)| asked.0 == operation && asked.1 == path;
        self.requests().iter().filter(|asked| is_it(asked)).count()
    }

    /// All requests that clients have made, operation and path, by the audit log.
    pub(crate) fn requests(&self) -> Vec<(String, String)> {
        let log = fs::read_to_string(self.path("audit.log")).unwrap_or_default();
        // The last line may be half written.
        log.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|entry| entry["type"] == "request" && !is_harness(entry))
            .map(|entry| {
                let request = &entry["request"];
                (text(&request["operation"]), text(&request["path"]))
            })
            .collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Whether it came up; where it did not, it has ended.
    async fn launch(&mut self) -> bool {
        let log = File::create(self.path("log")).unwrap();
        fs::write(self.path("config.hcl"), self.config()).unwrap();
        let mut command = Command::new(tool("bao"));
        command
            .arg("server")
            .arg(format!("-config={}", self.path("config.hcl").display()))
            .env_clear()
            .env("HOME", self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if !self.options.persistent {
            command
                .args(["-dev", "-dev-no-store-token"])
                .arg(format!("-dev-root-token-id={ROOT}"))
                .arg(format!("-dev-listen-address={}", self.host()));
        }
        self.child = Some(command.spawn().unwrap());
        let mut is_up = false;
        until("OpenBao is up", SOON, async || {
            let child = self.child.as_mut().unwrap();
            if child.try_wait().unwrap().is_some() {
                return true;
            }
            is_up = self.is_ready().await;
            is_up
        })
        .await;
        is_up
    }

    async fn until_ready(&self) {
        until("OpenBao is ready", SOON, async || self.is_ready().await).await;
    }

    /// The root token and, for one in memory, the engine at `secret` come after the unsealing.
    async fn is_ready(&self) -> bool {
        // A node of a cluster of one reads before it has elected itself and may write.
        let request = if self.options.persistent {
            let write = self
                .client
                .post(format!("{}/v1/cubbyhole/ready", self.url()));
            write.json(&json!({"is": "ready"}))
        } else {
            self.client.get(format!("{}/v1/secret/config", self.url()))
        };
        let request = request.header("X-Vault-Token", ROOT);
        request
            .send()
            .await
            .is_ok_and(|response| response.status().is_success())
    }

    /// A new engine answers 400 while it is being upgraded.
    pub(crate) async fn until_versioned(&self, mount: &str) {
        let config = format!("{mount}/config");
        until("the engine is ready", SOON, async || {
            self.api(Method::GET, &config, Value::Null).await.0 == 200
        })
        .await;
    }

    fn config(&self) -> String {
        let directory = self.directory.path().display();
        let mut config = format!(
            "audit \"file\" \"file\" {{ options {{ file_path = \"{directory}/audit.log\" }} }}\n"
        );
        if self.options.tls.is_some() {
            let _ = writeln!(
                config,
                "listener \"tcp\" {{\n address = \"127.0.0.1:{}\"\n tls_cert_file = \"{directory}/cert.pem\"\n \
                 tls_key_file = \"{directory}/key.pem\"\n}}",
                self.tls_port
            );
        }
        if self.options.unix {
            let _ = writeln!(
                config,
                "listener \"unix\" {{ address = \"{directory}/bao.sock\" }}"
            );
        }
        if self.options.persistent {
            let key = self.path("seal.key");
            if !key.exists() {
                fs::write(&key, [7; 32]).unwrap();
                fs::create_dir(self.path("raft")).unwrap();
            }
            let _ = writeln!(
                config,
                r#"
disable_mlock = true
api_addr = "http://{host}"
cluster_addr = "http://127.0.0.1:{cluster_port}"
listener "tcp" {{
  address = "{host}"
  cluster_address = "127.0.0.1:{cluster_port}"
  tls_disable = true
}}
storage "raft" {{
  path = "{directory}/raft"
  node_id = "it"
  performance_multiplier = "1"
}}
seal "static" {{
  current_key_id = "it"
  current_key = "file://{directory}/seal.key"
}}
initialize "root" {{
  request "token" {{
    operation = "update"
    path = "auth/token/create"
    data = {{ id = "{ROOT}", policies = ["root"], no_parent = true }}
  }}
}}"#,
                host = self.host(),
                // Nobody listens for TLS there where the state outlives.
                cluster_port = self.tls_port,
            );
        }
        config
    }

    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            kill_process(Pid::from_child(child), signal).unwrap();
        }
    }
}

impl Drop for Bao {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A `bao agent` that logs in by itself and adds its token to what passes through. It is killed when it is dropped.
pub(crate) struct Agent {
    directory: TempDir,
    port: u16,
    child: Child,
}

impl Agent {
    pub(crate) async fn start(bao: &Bao, role: &AppRole) -> Self {
        let directory = TempDir::new().unwrap();
        let port = free_port();
        let at = directory.path().display().to_string();
        fs::write(directory.path().join("role-id"), &role.role_id).unwrap();
        fs::write(directory.path().join("secret-id"), &role.secret_id).unwrap();
        let config = format!(
            r#"
vault {{ address = "{url}" }}
auto_auth {{
  method "approle" {{
    config = {{
      role_id_file_path = "{at}/role-id"
      secret_id_file_path = "{at}/secret-id"
    }}
  }}
}}
api_proxy {{ use_auto_auth_token = true }}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_disable = true
}}
listener "unix" {{
  address = "{at}/agent.sock"
  tls_disable = true
}}
"#,
            url = bao.url()
        );
        fs::write(directory.path().join("agent.hcl"), config).unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        let child = Command::new(tool("bao"))
            .arg("agent")
            .arg(format!("-config={at}/agent.hcl"))
            .env_clear()
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let agent = Self {
            directory,
            port,
            child,
        };
        let own = format!("{}/v1/auth/token/lookup-self", agent.url());
        until("the agent is logged in", SOON, async || {
            let answer = bao.client.get(&own).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        agent
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `unix:///…`.
    pub(crate) fn unix_url(&self) -> String {
        format!("unix://{}/agent.sock", self.directory.path().display())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_harness(entry: &Value) -> bool {
    let policies = entry["auth"]["policies"].as_array();
    policies.is_some_and(|policies| policies.iter().any(|policy| policy == "root"))
        || entry["request"]["path"] == "sys/audit/test"
}

/// A string, or nothing.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}
