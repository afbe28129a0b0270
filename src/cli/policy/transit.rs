//! The signing key in Vault's or OpenBao's transit engine, which signs there and never gives the
//! private key. See <https://developer.hashicorp.com/vault/api-docs/secret/transit>.
//!
//! vaultrs has both requests, but its client is not used, for the reasons that
//! [`crate::source::vault`] gives; two bodies of JSON are shorter than an adapter for it.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use claviger_wire::{ExitCode, Failure};
use http::{HeaderValue, Method};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::vault_environment::VaultServer;
use crate::{
    cli::{CliError, runtime},
    config::{Mount, PolicyKey, host_and_port},
    network::{BodyError, ForeignText, HttpResponse, RequestSecrets, TlsError, TransportError},
};

/// The largest answer, in bytes: one for each version of a key.
const MAX_BODY: usize = 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(super) struct TransitArgs {
    /// Sign with this key of Vault's transit engine
    #[arg(long, value_name = "MOUNT/KEY")]
    pub(super) transit: Option<TransitKey>,

    /// The version of that key; the latest by default
    #[arg(long, value_name = "N", requires = "transit")]
    key_version: Option<u64>,

    /// A file with the token for Vault, instead of VAULT_TOKEN and ~/.vault-token
    #[arg(long, value_name = "FILE", requires = "transit")]
    token_file: Option<PathBuf>,
}

/// `MOUNT/KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TransitKey {
    mount: String,
    key: String,
}

/// One version of a key in Vault.
pub(super) struct Transit {
    server: VaultServer,
    key: TransitKey,
    version: u64,
    public: PolicyKey,
}

impl FromStr for TransitKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.rsplit_once('/');
        parts
            .filter(|(_, key)| !key.is_empty() && !key.starts_with('.'))
            .and_then(|(mount, key)| Some((mount.parse::<Mount>().ok()?, key)))
            .map(|(mount, key)| Self {
                mount: mount.into(),
                key: key.to_owned(),
            })
            .ok_or("expected MOUNT/KEY, such as transit/claviger-policy")
    }
}

/// The answer to a request for a key.
#[derive(Deserialize)]
struct KeyData {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    derived: bool,
    latest_version: u64,
    keys: BTreeMap<u64, Value>,
}

/// The answer to a request for a signature.
#[derive(Deserialize)]
struct SignatureData {
    signature: String,
}

impl Transit {
    /// The key that the arguments name, with its public key from Vault.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the environment is wrong, Vault refuses or cannot be reached, or the key is
    /// of another kind.
    pub(super) fn open(key: &TransitKey, args: &TransitArgs) -> Result<Self, CliError> {
        let server = VaultServer::of_environment(args.token_file.as_deref())?;
        let path = ["keys", &key.key];
        let data: KeyData = runtime()?.block_on(call(&server, Method::GET, key, &path, None))?;
        if data.kind != "ed25519" || data.derived {
            let problem = match data.derived {
                true => format!("the key '{key}' in Vault is derived from a context"),
                false => format!("the key '{key}' in Vault is of the type '{}'", data.kind),
            };
            let command = format!("vault write -f {}/keys/NAME type=ed25519", key.mount);
            let hint = format!("create one with: {command}");
            return Err(Failure::new(ExitCode::Usage, problem, &hint).into());
        }
        let version = args.key_version.unwrap_or(data.latest_version);
        let public = data.keys.get(&version).and_then(public_of).ok_or_else(|| {
            let problem = format!("the key '{key}' in Vault has no version {version}");
            let versions: Vec<_> = data.keys.keys().map(u64::to_string).collect();
            let hint = format!("choose one of its versions: {}", versions.join(", "));
            Failure::new(ExitCode::Usage, problem, &hint)
        })?;
        Ok(Self {
            server,
            key: key.clone(),
            version,
            public,
        })
    }

    /// The public key.
    pub(super) fn public(&self) -> PolicyKey {
        self.public
    }

    /// The signature of `message`.
    ///
    /// # Errors
    ///
    /// [`Failure`] if Vault refuses or cannot be reached.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CliError> {
        let body = json!({ "input": STANDARD.encode(message), "key_version": self.version });
        let path = ["sign", &self.key.key];
        let call = call(&self.server, Method::POST, &self.key, &path, Some(body));
        let data: SignatureData = runtime()?.block_on(call)?;
        let prefix = format!("vault:v{}:", self.version);
        let signature = data.signature.strip_prefix(&prefix);
        signature
            .and_then(|text| STANDARD.decode(text).ok())
            .ok_or_else(|| unexpected(&self.server, "not a signature").into())
    }
}

impl std::fmt::Display for TransitKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.mount, self.key)
    }
}

/// The public key of one version.
fn public_of(version: &Value) -> Option<PolicyKey> {
    let bytes = STANDARD.decode(version["public_key"].as_str()?).ok()?;
    Some(PolicyKey::new(bytes.try_into().ok()?))
}

/// Sends a request to the engine; returns the member `data` of the answer.
async fn call<T: DeserializeOwned>(
    server: &VaultServer,
    method: Method,
    key: &TransitKey,
    path: &[&str],
    body: Option<Value>,
) -> Result<T, Failure> {
    let mut url = server.address.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments
            .pop_if_empty()
            .push("v1")
            .extend(key.mount.split('/'))
            .extend(path);
    }
    let token = HeaderValue::from_str(server.token.expose()).map_err(|_| {
        let problem = "the token for Vault contains invalid characters";
        Failure::new(ExitCode::Usage, problem, "log in to Vault again")
    })?;
    let client = server.client()?;
    let mut request = client.request(method, url);
    request = request.header("X-Vault-Token", token);
    if let Some(namespace) = &server.namespace {
        request = request.header("X-Vault-Namespace", namespace.clone());
    }
    if let Some(body) = &body {
        request = request.json(body);
    }
    let secrets = RequestSecrets::from_iter([server.token.clone()]);
    let sent = client.send(request, &secrets).await;
    let response = sent.map_err(|error| no_response(server, &error))?;
    let status = response.status().as_u16();
    let (is_json, secrets) = (response.is_json(), response.secrets().clone());
    let body = read(server, response).await?;
    if status != 200 {
        let reason = reason(&body, &secrets).filter(|_| is_json);
        return Err(refused(server, key, path, status, reason));
    }
    #[derive(Deserialize)]
    struct Answer<T> {
        data: T,
    }
    let answer: Result<Answer<T>, _> = serde_json::from_slice(&body);
    let answer = answer.map_err(|_| unexpected(server, "not one of Vault's transit engine"))?;
    Ok(answer.data)
}

async fn read(
    server: &VaultServer,
    response: HttpResponse,
) -> Result<zeroize::Zeroizing<Vec<u8>>, Failure> {
    response.body(MAX_BODY).await.map_err(|error| match error {
        BodyError::Transport(error) => no_response(server, &error),
        BodyError::TooLarge => unexpected(server, "too large"),
    })
}

/// What Vault says about its refusal.
fn reason(body: &[u8], secrets: &RequestSecrets) -> Option<String> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<ForeignText>,
    }
    let Errors { errors } = serde_json::from_slice(body).ok()?;
    let text = ForeignText::join(&errors).clean(secrets);
    (!text.is_empty()).then_some(text)
}

fn name(server: &VaultServer) -> String {
    host_and_port(&server.address)
}

fn no_response(server: &VaultServer, error: &TransportError) -> Failure {
    let problem = format!("Vault at '{}' {error}", name(server));
    let hint = match error {
        TransportError::Tls(TlsError::UntrustedIssuer) => {
            "set VAULT_CACERT to the PEM file of the CA that signed Vault's certificate".to_owned()
        }
        error => error.hint(),
    };
    Failure::new(ExitCode::SourceFailed, problem, &hint)
}

fn unexpected(server: &VaultServer, what: &str) -> Failure {
    let problem = format!("the response of '{}' is {what}", name(server));
    Failure::new(
        ExitCode::SourceFailed,
        problem,
        "check VAULT_ADDR, and the mount of the transit engine",
    )
}

fn refused(
    server: &VaultServer,
    key: &TransitKey,
    path: &[&str],
    status: u16,
    reason: Option<String>,
) -> Failure {
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let path = format!("{}/{}", key.mount, path.join("/"));
    let problem = format!(
        "Vault at '{}' refused '{path}' ({status}){reason}",
        name(server)
    );
    let (code, hint) = match status {
        403 => (
            ExitCode::Denied,
            format!(
                "log in to Vault with a policy that may read '{mount}/keys/{key}' and update \
                 '{mount}/sign/{key}'",
                mount = key.mount,
                key = key.key
            ),
        ),
        404 => (
            ExitCode::Usage,
            format!(
                "create the key with: vault write -f {}/keys/{} type=ed25519",
                key.mount, key.key
            ),
        ),
        301..400 => (
            ExitCode::SourceFailed,
            "set VAULT_ADDR to the active node of Vault".to_owned(),
        ),
        _ => (
            ExitCode::SourceFailed,
            "check that Vault is unsealed, and the key's settings in Vault".to_owned(),
        ),
    };
    Failure::new(code, problem, &hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_its_mount_and_name() {
        for (text, mount, key) in [
            ("transit/policy", "transit", "policy"),
            (
                "teams/security/transit/policy",
                "teams/security/transit",
                "policy",
            ),
        ] {
            let parsed: TransitKey = text.parse().unwrap();
            assert_eq!((parsed.mount.as_str(), parsed.key.as_str()), (mount, key));
            assert_eq!(parsed.to_string(), text);
        }
        for text in [
            "",
            "policy",
            "/policy",
            "transit/",
            "transit/..",
            "../policy",
        ] {
            assert!(text.parse::<TransitKey>().is_err(), "{text}");
        }
    }
}
