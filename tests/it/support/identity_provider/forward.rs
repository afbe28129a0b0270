//! Passing requests on to the server behind a front.

use std::io;

use http::{
    HeaderMap, Response,
    header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, LOCATION, TRANSFER_ENCODING},
    request::Parts,
};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use reqwest::redirect::Policy;

use crate::support::canary::issued;

/// Headers that concern one connection.
const HOP_BY_HOP: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/// A client of one server on this machine.
pub(super) struct Forwarder {
    port: u16,
    client: reqwest::Client,
}

impl Forwarder {
    pub(super) fn new(port: u16) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            // Glewlwyd closes a connection that a second request reuses.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self { port, client }
    }

    /// Sends a request to the server; returns its answer.
    pub(super) async fn forward(
        &self,
        head: Parts,
        body: Bytes,
    ) -> io::Result<Response<Full<Bytes>>> {
        let mut headers = without_hop_by_hop(head.headers);
        headers.remove(HOST);
        let response = self
            .client
            .request(
                head.method,
                format!("http://127.0.0.1:{}{}", self.port, head.uri),
            )
            .headers(headers)
            .body(body)
            .send()
            .await
            .map_err(io::Error::other)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(io::Error::other)?;
        issued::add_tokens(&body);
        let mut forwarded = Response::new(Full::from(body));
        *forwarded.status_mut() = status;
        *forwarded.headers_mut() = without_hop_by_hop(headers);
        Ok(forwarded)
    }
}

/// Replaces `from` by `to` in the body and in the `Location`, as it is and percent-encoded.
pub(super) async fn replace(
    response: Response<Full<Bytes>>,
    from: &str,
    to: &str,
) -> io::Result<Response<Full<Bytes>>> {
    let (mut head, body) = response.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let body = String::from_utf8_lossy(&body).replace(from, to);
    if let Some(location) = head.headers.get(LOCATION) {
        let location = String::from_utf8_lossy(location.as_bytes());
        let location = location
            .replace(from, to)
            .replace(&encoded(from), &encoded(to));
        head.headers.insert(LOCATION, location.parse().unwrap());
    }
    Ok(Response::from_parts(head, Full::from(body)))
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn without_hop_by_hop(mut headers: HeaderMap) -> HeaderMap {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers
}
