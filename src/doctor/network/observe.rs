//! Asks one server, as the daemon would: through the same proxies, trusting the same certificates.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use reqwest::{
    Method,
    header::{DATE, LOCATION},
};
use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::timeout,
};
use url::{Host, Url};

use super::{
    certificate::Certificate,
    facts::{ClientCertificate, Connection, HttpFacts, ServerFacts, UsedProxy},
    servers::Server,
};
use crate::{
    client_variables::ClientVariables,
    clock::Clock,
    config::{Config, FilePath},
    doctor::environment,
    named_file,
    network::{
        ClientSettings, HttpClient, HttpResponse, RequestSecrets, SetupError, TlsError,
        TransportError, one_line,
    },
    principal::Principal,
    source::http_date,
};

/// The longest that a step takes. A server that needs longer is too slow for a client, which waits
/// 8 s for its key.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait for a connection to one address of several.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 4;

/// How a server is reached: what of the configuration is resolved for this user.
pub(super) struct Target {
    settings: ClientSettings,
    client: HttpClient,
    certificate: Option<PathBuf>,
}

impl Target {
    /// # Errors
    ///
    /// [`SetupError`] if a file or a variable that the configuration names is missing or invalid.
    pub(super) fn new(server: &Server, config: &Config) -> Result<Self, SetupError> {
        let principal = Principal::of_this_machine().with_variables(&variables(server, config));
        let mut settings = ClientSettings::new(
            server.url.clone(),
            &server.network,
            &principal,
            STEP_TIMEOUT,
        )?;
        let mut certificate = None;
        if let Some((chain, key)) = &server.identity {
            settings = settings.with_identity((chain, key), &principal)?;
            certificate = Some(path_of(chain, &principal)?);
        }
        Ok(Self {
            client: settings.build()?,
            settings,
            certificate,
        })
    }
}

/// The variables of this process that a client would send for the server.
fn variables(server: &Server, config: &Config) -> ClientVariables {
    let of_profiles = config.profiles.keys();
    let names = of_profiles
        .filter(|name| server.profile.as_ref().is_none_or(|only| only == *name))
        .flat_map(|name| config.client_variables(name));
    environment::variables(names)
}

fn path_of(file: &FilePath, principal: &Principal) -> Result<PathBuf, SetupError> {
    file.resolve(principal)
        .map_err(|error| SetupError::unresolved("cert_file", &error))
}

/// Asks `server`.
pub(super) async fn observe(server: Server, target: Target, clock: &dyn Clock) -> ServerFacts {
    let Target {
        settings,
        client,
        certificate,
    } = target;
    let proxy = settings.proxy().map(UsedProxy::new);
    let is_tls = server.url.scheme() == "https";
    let chain = async {
        match is_tls {
            true => settings.presented_chain().await,
            false => Vec::new(),
        }
    };
    let ((addresses, connections), answer, chain) = tokio::join!(
        connect(&server.url, proxy.is_some(), clock),
        ask(&client, &server.url),
        chain,
    );
    let is_untrusted = answer == Err(TransportError::Tls(TlsError::UntrustedIssuer));
    let ca_file = settings.ca_file().map(ToOwned::to_owned);
    let system_trusts =
        is_untrusted && ca_file.is_some() && is_trusted(&settings, &server.url).await;
    ServerFacts {
        at: clock.now().wall,
        proxy,
        addresses,
        connections,
        answer,
        chain: chain
            .iter()
            .filter_map(|der| Certificate::of_der(der))
            .collect(),
        system_trusts,
        ca_file,
        certificate_of_client: certificate.and_then(read_certificate),
        server,
    }
}

/// Resolves the host's name, and connects to each of its addresses.
async fn connect(
    url: &Url,
    is_proxied: bool,
    clock: &dyn Clock,
) -> (Option<Result<Vec<IpAddr>, String>>, Vec<Connection>) {
    let Some((host, port)) = url.host().zip(url.port_or_known_default()) else {
        return (None, Vec::new());
    };
    if is_proxied {
        return (None, Vec::new());
    }
    let (addresses, found) = match host {
        Host::Ipv4(ip) => (None, vec![IpAddr::V4(ip)]),
        Host::Ipv6(ip) => (None, vec![IpAddr::V6(ip)]),
        Host::Domain(name) => {
            let resolved = resolve(name, port).await;
            (Some(resolved.clone()), resolved.unwrap_or_default())
        }
    };
    let mut attempts = JoinSet::new();
    let started = clock.now().tick;
    for address in found.into_iter().take(MAX_ADDRESSES) {
        let to = SocketAddr::new(address, port);
        attempts.spawn(async move {
            (
                address,
                timeout(CONNECT_TIMEOUT, TcpStream::connect(to)).await,
            )
        });
    }
    let mut connections = Vec::new();
    while let Some(Ok((address, result))) = attempts.join_next().await {
        let result = match result {
            Ok(Ok(_)) => Ok(clock.now().tick.since(started)),
            Ok(Err(error)) => Err(one_line(&error.to_string())),
            Err(_) => Err(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs())),
        };
        connections.push(Connection { address, result });
    }
    connections.sort_by_key(|connection| connection.address);
    (addresses, connections)
}

/// What the system's resolver returns for `name`.
///
/// # Errors
///
/// What it reports.
async fn resolve(name: &str, port: u16) -> Result<Vec<IpAddr>, String> {
    let looked_up = timeout(STEP_TIMEOUT, lookup_host((name, port))).await;
    let found = match looked_up {
        Ok(found) => found.map_err(|error| one_line(&error.to_string()))?,
        Err(_) => return Err(format!("no answer within {} s", STEP_TIMEOUT.as_secs())),
    };
    let mut addresses: Vec<_> = found.map(|address| address.ip()).collect();
    addresses.sort();
    addresses.dedup();
    Ok(addresses)
}

/// Sends a request without a key.
///
/// # Errors
///
/// [`TransportError`] if no answer arrives.
async fn ask(client: &HttpClient, url: &Url) -> Result<HttpFacts, TransportError> {
    let request = client.request(Method::GET, url.clone());
    let response = client.send(request, &RequestSecrets::default()).await?;
    Ok(HttpFacts {
        status: response.status().as_u16(),
        is_page: response.is_page(),
        redirects_to: redirects_to(&response, url),
        date: response.header(DATE).and_then(http_date),
    })
}

/// The origin of another host that a response redirects to.
fn redirects_to(response: &HttpResponse, url: &Url) -> Option<String> {
    let location = response.header(LOCATION)?;
    if !response.status().is_redirection() {
        return None;
    }
    let to = url.join(location).ok()?;
    (to.host() != url.host()).then(|| one_line(&to.origin().ascii_serialization()))
}

/// Whether the system's certificates include the server's CA.
async fn is_trusted(settings: &ClientSettings, url: &Url) -> bool {
    match settings.clone().without_ca_file().build() {
        Ok(client) => !matches!(ask(&client, url).await, Err(TransportError::Tls(_))),
        Err(_) => false,
    }
}

fn read_certificate(file: PathBuf) -> Option<ClientCertificate> {
    let pem = named_file::read_public(&file).ok()?;
    Some(ClientCertificate {
        certificate: Certificate::of_pem(&pem)?,
        file,
    })
}
