//! How one client connects: the configuration, resolved for the user and the asking client.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use reqwest::{Client, ClientBuilder, Identity, Proxy, redirect};
use url::Url;
use zeroize::Zeroizing;

use super::{
    client::HttpClient, error::ProxyOrigin, presented::Recorder, proxy::ProxyRules, roots,
    setup_error::SetupError,
};
use crate::{
    config::{FilePath, NetworkConfig, RedirectHost, is_loopback_name},
    named_file,
    principal::Principal,
};

/// The most redirects that are followed. Vault needs one: from a standby to the active node.
const MAX_REDIRECTS: usize = 3;

/// How long a connection without a request stays open: as long as requests that belong together
/// need, such as a login and a read. Its buffers contain the secrets of the last request, and are
/// wiped when it is closed.
const IDLE_TIMEOUT: Duration = Duration::from_millis(500);

/// How one client connects. No file is read before it is built.
#[derive(Clone, Debug)]
pub(crate) struct ClientSettings {
    /// The server that requests are for.
    server: Url,
    proxies: ProxyRules,
    ca_file: Option<PathBuf>,
    /// The certificate chain and the private key.
    identity: Option<(PathBuf, PathBuf)>,
    /// Used instead of TCP and of a proxy.
    socket: Option<PathBuf>,
    redirects: Redirects,
    timeout: Duration,
}

/// Which redirects are followed.
#[derive(Clone, Debug)]
enum Redirects {
    /// None: the key is meant for one server, not for a host that its response names.
    None,
    /// Those to the same scheme, host and port, and those to one of these hosts.
    To(Vec<RedirectHost>),
}

impl ClientSettings {
    /// A client of the server at `server` as `config` says, for requests that take at most
    /// `timeout` each. It follows no redirects.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if a placeholder has no value or a variable of the client is no proxy.
    pub(crate) fn new(
        server: Url,
        config: &NetworkConfig,
        principal: &Principal,
        timeout: Duration,
    ) -> Result<Self, SetupError> {
        let ca_file = config.ca_file.as_ref();
        Ok(Self {
            server,
            proxies: ProxyRules::new(config, &principal.variables)?,
            ca_file: ca_file
                .map(|file| resolved("ca_file", file, principal))
                .transpose()?,
            identity: None,
            socket: None,
            redirects: Redirects::None,
            timeout,
        })
    }

    /// With a certificate of the client: the files of the chain and of the private key.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if a placeholder has no value.
    pub(crate) fn with_identity(
        mut self,
        (chain, key): (&FilePath, &FilePath),
        principal: &Principal,
    ) -> Result<Self, SetupError> {
        self.identity = Some((
            resolved("cert_file", chain, principal)?,
            resolved("key_file", key, principal)?,
        ));
        Ok(self)
    }

    /// Connecting to a Unix socket, which nothing but its path is needed for.
    #[must_use]
    pub(crate) fn with_socket(mut self, socket: Option<PathBuf>) -> Self {
        self.socket = socket;
        self
    }

    /// Following redirects on the server and to `hosts`.
    #[must_use]
    pub(crate) fn with_redirects(mut self, hosts: Vec<RedirectHost>) -> Self {
        self.redirects = Redirects::To(hosts);
        self
    }

    /// Whether the client has a certificate.
    #[must_use]
    pub(crate) fn has_identity(&self) -> bool {
        self.identity.is_some()
    }

    /// The proxy of requests to the server: its host and port, and where its address comes from.
    #[must_use]
    pub(crate) fn proxy(&self) -> Option<(String, ProxyOrigin)> {
        let used = self.proxies.of(&self.server)?;
        Some((used.url.name(), used.origin))
    }

    /// The file of the certificates that are trusted; `None` if they are the system's.
    #[must_use]
    pub(crate) fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The same, trusting the system's certificates instead of those in `ca_file`.
    #[must_use]
    pub(crate) fn without_ca_file(mut self) -> Self {
        self.ca_file = None;
        self
    }

    /// Reads the files and builds the client.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if a file is missing or invalid, or the system's trust store cannot be read.
    pub(crate) fn build(&self) -> Result<HttpClient, SetupError> {
        let mut builder = self.builder().tls_backend_rustls();
        let certificates = match &self.ca_file {
            // The system's trust store is not needed then, and it may be missing.
            _ if !self.needs_tls() => Some(Vec::new()),
            Some(file) => Some(roots::of_file(file)?),
            None => roots::of_system()?,
        };
        if let Some(certificates) = certificates {
            builder = builder.tls_certs_only(certificates);
        }
        if let Some((chain, key)) = &self.identity {
            builder = builder.identity(read_identity(chain, key)?);
        }
        let client = builder.build().map_err(|_| SetupError {
            reason: "TLS cannot be set up".to_owned(),
            hint: "check 'ca_file', the client certificate and the system's trust store".to_owned(),
            is_of_client: false,
        })?;
        let proxies = Arc::new(self.proxies.clone());
        Ok(HttpClient::new(client, proxies, self.timeout))
    }

    /// The certificates, in DER, that the server or a proxy with TLS presents, its own first.
    /// Nothing is sent after they have arrived. Empty if none arrive.
    pub(crate) async fn presented_chain(&self) -> Vec<Vec<u8>> {
        let recorder = Recorder::new();
        let Some(tls) = recorder.tls_config() else {
            return Vec::new();
        };
        if let Ok(client) = self.builder().tls_backend_preconfigured(tls).build() {
            // It fails at the certificate.
            let _ = client.get(self.server.clone()).send().await;
        }
        recorder.chain()
    }

    /// What all clients have, apart from TLS.
    fn builder(&self) -> ClientBuilder {
        let mut builder = Client::builder()
            .user_agent(concat!("claviger/", env!("CARGO_PKG_VERSION")))
            .timeout(self.timeout)
            .connect_timeout(self.timeout)
            .redirect(self.redirects.policy())
            .referer(false)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(IDLE_TIMEOUT)
            // Without this the library would read the environment.
            .no_proxy();
        if self.socket.is_none() {
            let proxies = self.proxies.clone();
            builder = builder.proxy(Proxy::custom(move |url| {
                Some(proxies.of(url)?.url.as_url().clone())
            }));
        }
        #[cfg(unix)]
        if let Some(socket) = &self.socket {
            builder = builder.unix_socket(socket.clone());
        }
        if let Some(name) = self.server.domain()
            && is_loopback_name(name.strip_suffix('.').unwrap_or(name))
        {
            // A DNS server could name another host.
            let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            builder = builder.resolve_to_addrs(name, &addresses.map(|ip| (ip, 0).into()));
        }
        builder
    }

    /// Whether a request, its proxy or a redirect may use TLS.
    fn needs_tls(&self) -> bool {
        let proxy = self.proxies.of(&self.server);
        self.server.scheme() == "https"
            || proxy.is_some_and(|proxy| proxy.url.as_url().scheme() == "https")
            || matches!(&self.redirects, Redirects::To(hosts) if !hosts.is_empty())
    }
}

impl Redirects {
    /// A redirect that is not followed ends the request with itself as the response.
    fn policy(&self) -> redirect::Policy {
        let Self::To(hosts) = self.clone() else {
            return redirect::Policy::none();
        };
        redirect::Policy::custom(move |attempt| {
            let follows = attempt.previous().len() <= MAX_REDIRECTS
                && attempt.previous().first().is_some_and(|first| {
                    follows(&hosts, first, attempt.url(), attempt.status().as_u16())
                });
            match follows {
                true => attempt.follow(),
                false => attempt.stop(),
            }
        })
    }
}

/// Whether a redirect from `first` to `to` is followed: on the same scheme, host and port, or to
/// one of `hosts` if it keeps the method and is not less secure.
fn follows(hosts: &[RedirectHost], first: &Url, to: &Url, status: u16) -> bool {
    let is_as_secure = to.scheme() == "https" || to.scheme() == first.scheme();
    let keeps_method = matches!(status, 307 | 308);
    first.origin() == to.origin()
        || (is_as_secure && keeps_method && hosts.iter().any(|host| host.matches(to)))
}

fn resolved(key: &str, file: &FilePath, principal: &Principal) -> Result<PathBuf, SetupError> {
    file.resolve(principal)
        .map_err(|error| SetupError::unresolved(key, &error))
}

fn read_identity(chain: &PathBuf, key: &PathBuf) -> Result<Identity, SetupError> {
    let key_pem = named_file::read_private(key)?;
    let chain_pem = named_file::read_public(chain)?;
    // Never reallocated, which would leave a copy of the key in memory.
    let mut pem = Zeroizing::new(Vec::with_capacity(key_pem.len() + chain_pem.len() + 1));
    pem.extend_from_slice(&chain_pem);
    pem.push(b'\n');
    if chain != key {
        pem.extend_from_slice(&key_pem);
    }
    Identity::from_pem(&pem).map_err(|_| SetupError {
        reason: format!(
            "expected a PEM certificate in '{}' and its private key in '{}'",
            chain.display(),
            key.display()
        ),
        hint: "write the chain to 'cert_file' and its unencrypted key to 'key_file'".to_owned(),
        is_of_client: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leaves_the_server_for_listed_hosts_only() {
        let hosts = ["b.test:8200".parse().unwrap(), "*.c.test".parse().unwrap()];
        for (from, to, status, expected) in [
            ("https://a.test", "https://a.test/x", 302, true),
            ("https://a.test", "https://b.test:8200/x", 307, true),
            ("https://a.test", "https://b.test:8200/x", 308, true),
            ("https://a.test", "https://b.test:8200/x", 302, false),
            ("https://a.test", "https://b.test/x", 307, false),
            ("https://a.test", "https://x.c.test:1/x", 307, true),
            ("https://a.test", "http://b.test:8200/x", 307, false),
            ("http://a.test", "http://b.test:8200/x", 307, true),
            ("http://a.test", "https://b.test:8200/x", 307, true),
            ("https://a.test", "http://a.test/x", 307, false),
            ("https://a.test", "https://a.test:444/x", 307, false),
        ] {
            let (first, url) = (from.parse().unwrap(), to.parse().unwrap());
            assert_eq!(
                follows(&hosts, &first, &url, status),
                expected,
                "{from} {to}"
            );
        }
    }
}
