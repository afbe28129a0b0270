//! A Vault, as the environment of an administrator names it for Vault's own command: `VAULT_ADDR`,
//! `VAULT_TOKEN` or `~/.vault-token`, `VAULT_NAMESPACE`, `VAULT_CACERT`, and the variables for a
//! proxy. `VAULT_SKIP_VERIFY` does not count.
//!
//! The daemon reads none of them: the client that starts it could choose its Vault.

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use claviger_wire::{ExitCode, Failure};
use http::HeaderValue;
use url::Url;

use super::files::of_file;
use crate::{
    config::{FilePath, NetworkConfig, VaultAddress, is_loopback},
    named_file,
    network::{ClientSettings, HttpClient, SetupError},
    principal::Principal,
    secret::Secret,
};

/// The time that one request may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The token of a login with Vault's own command, below the home directory.
const TOKEN_FILE: &str = ".vault-token";

/// A Vault that an administrator uses.
pub(super) struct VaultServer {
    settings: ClientSettings,
    /// The address without `/v1`.
    pub(super) address: Url,
    pub(super) namespace: Option<HeaderValue>,
    pub(super) token: Secret,
}

impl VaultServer {
    /// The Vault that the environment names, with the token in `token_file` if there is one.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] if a variable or a file is missing or wrong.
    pub(super) fn of_environment(token_file: Option<&Path>) -> Result<Self, Failure> {
        let (address, socket) = address()?;
        let network = NetworkConfig::of_environment(ca_file()?);
        let principal = principal(&network);
        let settings = ClientSettings::new(address.clone(), &network, &principal, TIMEOUT)
            .map_err(not_set_up)?
            .with_socket(socket);
        let namespace = variable("VAULT_NAMESPACE").map(|text| {
            let wrong = |_| {
                let problem = "VAULT_NAMESPACE contains invalid characters".to_owned();
                usage(problem, "correct VAULT_NAMESPACE")
            };
            HeaderValue::from_str(&text).map_err(wrong)
        });
        Ok(Self {
            settings,
            address,
            namespace: namespace.transpose()?,
            token: token(token_file, principal.home.as_deref())?,
        })
    }

    /// A client of it: one for each request, whose connections end with the request's runtime.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] if the file of `VAULT_CACERT` cannot be used.
    pub(super) fn client(&self) -> Result<HttpClient, Failure> {
        self.settings.build().map_err(not_set_up)
    }
}

fn not_set_up(SetupError { reason, hint, .. }: SetupError) -> Failure {
    usage(reason, &hint)
}

/// The address, and the path of a Unix socket.
fn address() -> Result<(Url, Option<PathBuf>), Failure> {
    let Some(text) = variable("VAULT_ADDR") else {
        let problem = "the variable VAULT_ADDR is not set".to_owned();
        let hint = "set it to the address of Vault, such as https://vault.example.com:8200";
        return Err(usage(problem, hint));
    };
    let wrong = |problem: String| usage(format!("VAULT_ADDR: {problem}"), "correct VAULT_ADDR");
    match text.parse().map_err(wrong)? {
        // A system on the way that reads the token could sign a policy for the whole company.
        VaultAddress::Url(url) if url.scheme() == "http" && !is_loopback(&url) => Err(wrong(
            "plain 'http' to another host sends the token unencrypted; expected 'https'".to_owned(),
        )),
        VaultAddress::Url(url) => Ok((url, None)),
        VaultAddress::Unix(path) => {
            // Go's servers accept any host name on a Unix socket.
            let url = Url::parse("http://localhost").map_err(|error| wrong(error.to_string()))?;
            Ok((url, Some(path)))
        }
    }
}

fn ca_file() -> Result<Option<FilePath>, Failure> {
    let Some(text) = variable("VAULT_CACERT") else {
        return Ok(None);
    };
    let wrong = |problem: String| usage(format!("VAULT_CACERT: {problem}"), "correct VAULT_CACERT");
    let path = std::path::absolute(text).map_err(|error| wrong(error.to_string()))?;
    // A path of the configuration may contain placeholders; this one does not.
    let path = path.to_string_lossy().replace('{', "{{").replace('}', "}}");
    path.parse().map(Some).map_err(wrong)
}

/// This user, with the variables for a proxy.
fn principal(network: &NetworkConfig) -> Principal {
    let names = network.env_names().iter();
    let variables =
        names.filter_map(|name| Some(((*name).to_owned(), Secret::new(variable(name)?))));
    Principal::of_this_machine().with_variables(&variables.collect())
}

fn token(file: Option<&Path>, home: Option<&Path>) -> Result<Secret, Failure> {
    let of_login = home.map(|home| home.join(TOKEN_FILE));
    let read = |file: &Path| -> Result<Secret, Failure> {
        let bytes = named_file::read_private(file).map_err(of_file)?;
        Secret::from_input(&bytes).map_err(|error| {
            let problem = format!("the token file '{}' {error}", file.display());
            usage(problem, "write a token of Vault to it")
        })
    };
    if let Some(file) = file {
        return read(file);
    }
    if let Some(text) = variable("VAULT_TOKEN") {
        return Secret::from_input(text.as_bytes())
            .map_err(|error| usage(format!("VAULT_TOKEN {error}"), "correct VAULT_TOKEN"));
    }
    match of_login.filter(|file| file.exists()) {
        Some(file) => read(&file),
        None => {
            let problem = "there is no token for Vault".to_owned();
            Err(usage(
                problem,
                "log in to Vault, or set VAULT_TOKEN or --token-file",
            ))
        }
    }
}

/// A variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn usage(problem: String, hint: &str) -> Failure {
    Failure::new(ExitCode::Usage, problem, hint)
}
