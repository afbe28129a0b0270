//! The front of a gateway: it forwards every request to LiteLLM and records the answer.

use std::{
    convert::Infallible,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use claviger::{
    clock::{Clock as _, SystemClock},
    demo::gateway::LoggedRequest,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode,
    header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::JoinSet};

use super::keys::Keys;
use crate::support::{answers::secret, lock::lock};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The header that names the gateway to `custom_auth.py`.
pub(super) const GATEWAY: HeaderName = HeaderName::from_static("x-test-gateway");

/// Headers that concern one connection.
const HOP_BY_HOP: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING];

/// What the connections share with the test.
pub(super) struct Front {
    /// LiteLLM's URL.
    pub(super) upstream: String,
    pub(super) client: reqwest::Client,
    pub(super) keys: Keys,
    pub(super) log: Mutex<Vec<LoggedRequest>>,
}

impl Front {
    /// Accepts connections until the task is aborted; returns the task and the port.
    pub(super) async fn listen(self: Arc<Self>) -> (tokio::task::JoinHandle<()>, u16) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            // Aborted together with this task.
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let front = Arc::clone(&self);
                let answer = service_fn(move |request| {
                    let front = Arc::clone(&front);
                    async move { Ok::<_, Infallible>(front.answer(request).await) }
                });
                let mut builder = http1::Builder::new();
                builder.timer(TokioTimer::new());
                connections.spawn(builder.serve_connection(TokioIo::new(stream), answer));
                while connections.try_join_next().is_some() {}
            }
        });
        (task, port)
    }

    /// Forwards a request and records the answer.
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let method = request.method().to_string();
        let path = request.uri().path().to_owned();
        let key = presented(request.headers());
        let response = self
            .forward(request, key.as_deref())
            .await
            .unwrap_or_else(|error| {
                let mut response = Response::new(Full::from(error.to_string()));
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                response
            });
        lock(&self.log).push(LoggedRequest {
            at: SystemClock.now().wall,
            method,
            path,
            fingerprint: key.map(|key| secret(&key).fingerprint()),
            status: Some(response.status().as_u16()),
        });
        response
    }

    async fn forward(
        &self,
        request: Request<Incoming>,
        key: Option<&str>,
    ) -> reqwest::Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let mut headers = without_hop_by_hop(head.headers);
        headers.insert(GATEWAY, self.keys.directory().parse().unwrap());
        if let Some(substitute) = key.and_then(|key| self.keys.substitute(key)) {
            headers.insert(API_KEY, HeaderValue::from_static(substitute));
            headers.insert(AUTHORIZATION, bearer(substitute));
        }
        // A client that hangs up has no use for the answer.
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes);
        let response = self
            .client
            .request(head.method, format!("{}{}", self.upstream, head.uri))
            .headers(headers)
            .body(body.unwrap_or_default())
            .send()
            .await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut forwarded = Response::new(Full::from(response.bytes().await?));
        *forwarded.status_mut() = status;
        *forwarded.headers_mut() = without_hop_by_hop(headers);
        Ok(forwarded)
    }
}

/// The key in a request, in either header.
fn presented(headers: &HeaderMap) -> Option<String> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let value = value.to_str().ok()?;
        value.strip_prefix("Bearer ")
    });
    let api_key = headers.get(API_KEY).and_then(|value| value.to_str().ok());
    bearer.or(api_key).map(str::to_owned)
}

fn bearer(key: &str) -> HeaderValue {
    format!("Bearer {key}").parse().unwrap()
}

fn without_hop_by_hop(mut headers: HeaderMap) -> HeaderMap {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers
}
