//! The front of an identity provider: it records every request, and passes it on or spoils it.

use std::{
    collections::HashMap,
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use url::form_urlencoded;

use super::{
    fault::{Fault, Target},
    forward::Forwarder,
};
use crate::support::{canary::issued, lock::lock, tls::Ca, tls_front::TlsFront};

/// The fields of requests that are secrets.
const SECRETS: [&str; 7] = [
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "refresh_token",
];

/// A request that a client or a browser has sent.
#[derive(Clone, Debug)]
pub(crate) struct RecordedRequest {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The fields of the body, if it is a form.
    pub(crate) form: HashMap<String, String>,
}

/// A front that is stopped when it is dropped.
pub(crate) struct ProviderFront {
    port: u16,
    tls: Option<TlsFront>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What the connections share with the test.
struct Shared {
    forwarder: Forwarder,
    requests: Mutex<Vec<RecordedRequest>>,
    /// The bodies of the answers.
    answers: Mutex<Vec<Bytes>>,
    faults: Mutex<Vec<PlannedFault>>,
}

struct PlannedFault {
    target: Target,
    fault: Fault,
    once: bool,
}

impl RecordedRequest {
    fn matches(&self, target: Target) -> bool {
        match target {
            Target::Path(end) => self.path.ends_with(end),
            Target::Grant(grant) => self.form.get("grant_type").is_some_and(|own| own == grant),
        }
    }
}

impl ProviderFront {
    /// Starts a front of the server on `port`. With `ca`, it speaks TLS, with a certificate of that
    /// CA.
    pub(crate) async fn start(port: u16, ca: Option<&Ca>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let own_port = listener.local_addr().unwrap().port();
        let tls = match ca {
            Some(ca) => {
                let certificate = ca.server(&["127.0.0.1", "localhost"]);
                Some(TlsFront::start(&certificate, None, own_port).await)
            }
            None => None,
        };
        let shared = Arc::new(Shared {
            forwarder: Forwarder::new(port),
            requests: Mutex::default(),
            answers: Mutex::default(),
            faults: Mutex::default(),
        });
        Self {
            port: own_port,
            tls,
            shared: Arc::clone(&shared),
            task: tokio::spawn(accept(listener, shared)),
        }
    }

    /// `http://127.0.0.1:PORT`, or `https`.
    pub(crate) fn url(&self) -> String {
        match &self.tls {
            Some(tls) => format!("https://127.0.0.1:{}", tls.port()),
            None => format!("http://127.0.0.1:{}", self.port),
        }
    }

    /// All requests so far, the oldest first.
    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        lock(&self.shared.requests).clone()
    }

    /// The requests of this kind, the oldest first.
    pub(crate) fn requests_to(&self, target: Target) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.matches(target));
        requests
    }

    /// How many requests of this kind there were.
    pub(crate) fn count(&self, target: Target) -> usize {
        self.requests_to(target).len()
    }

    /// The last Vault token that a request had.
    pub(crate) fn vault_token(&self) -> Option<String> {
        let requests = lock(&self.shared.requests);
        let mut tokens = requests
            .iter()
            .filter_map(|request| request.headers.get("X-Vault-Token"));
        Some(tokens.next_back()?.to_str().unwrap().to_owned())
    }

    /// The values of `field` in the answers that are JSON objects, the oldest first.
    pub(crate) fn answered(&self, field: &str) -> Vec<String> {
        let answers = lock(&self.shared.answers);
        let value = |answer: &Bytes| {
            let answer: Value = serde_json::from_slice(answer).ok()?;
            Some(answer.get(field)?.as_str()?.to_owned())
        };
        answers.iter().filter_map(value).collect()
    }

    /// The next request of this kind meets `fault`; several calls concern several requests.
    pub(crate) fn fail_next(&self, target: Target, fault: Fault) {
        self.plan(target, fault, true);
    }

    /// All requests of this kind meet `fault`, until [`ProviderFront::pass_on`].
    pub(crate) fn fail_all(&self, target: Target, fault: Fault) {
        self.plan(target, fault, false);
    }

    /// From now on, every request is passed on.
    pub(crate) fn pass_on(&self) {
        lock(&self.shared.faults).clear();
    }

    fn plan(&self, target: Target, fault: Fault, once: bool) {
        lock(&self.shared.faults).push(PlannedFault {
            target,
            fault,
            once,
        });
    }
}

impl Drop for ProviderFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let (head, body) = self.respond(request).await?.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        lock(&self.answers).push(body.clone());
        Ok(Response::from_parts(head, Full::new(body)))
    }

    /// An error closes the connection.
    async fn respond(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let recorded = RecordedRequest {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            headers: head.headers.clone(),
            form: form_urlencoded::parse(&body).into_owned().collect(),
        };
        for name in SECRETS {
            recorded
                .form
                .get(name)
                .into_iter()
                .for_each(|value| issued::add(value));
        }
        let fault = self.fault_of(&recorded);
        lock(&self.requests).push(recorded);
        let forward = self.forwarder.forward(head, body);
        let Some(fault) = fault else {
            return forward.await;
        };
        match &fault {
            Fault::Answer { .. } => fault.own_answer().ok_or_else(closed),
            Fault::Delay(time) => {
                tokio::time::sleep(*time).await;
                forward.await
            }
            Fault::Hang => std::future::pending().await,
            Fault::Close => Err(closed()),
            Fault::LoseAnswer => {
                forward.await?;
                Err(closed())
            }
            Fault::KeepAnswer => {
                forward.await?;
                std::future::pending().await
            }
            Fault::Replace(from, to) => super::forward::replace(forward.await?, from, to).await,
        }
    }

    /// The fault that was planned first.
    fn fault_of(&self, request: &RecordedRequest) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let index = faults
            .iter()
            .position(|planned| request.matches(planned.target))?;
        if faults[index].once {
            return Some(faults.remove(index).fault);
        }
        Some(faults[index].fault.clone())
    }
}

/// Accepts connections until the task is aborted.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Aborted together with this task.
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let shared = Arc::clone(&shared);
        let answer = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { shared.answer(request).await }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new());
        connections.spawn(builder.serve_connection(TokioIo::new(stream), answer));
        while connections.try_join_next().is_some() {}
    }
}

fn closed() -> io::Error {
    io::Error::other("closed by the test")
}
