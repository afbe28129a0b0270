//! HTTP on one connection: callbacks go to the listener, everything else is answered here.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
};
use url::Url;
use zeroize::Zeroizing;

use super::{
    page::{self, Page},
    request::{self, Refusal},
};

/// The most bytes of a request's line and headers. A callback has a few thousand; the rest is for
/// cookies, which the browser sends to all ports of a host.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// A browser that waits for the answer to its callback.
#[derive(Debug)]
pub(super) struct Visit {
    /// The callback's query, which contains the code.
    pub(super) query: Zeroizing<String>,
    /// Takes the answer; closed if the browser has given up.
    pub(super) page: oneshot::Sender<Page>,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) redirect_uri: Url,
    pub(super) visits: mpsc::Sender<Visit>,
}

/// Serves a connection until the peer closes it, or takes longer than `head_timeout` for the head
/// of a request.
pub(super) async fn serve(stream: TcpStream, route: Arc<Route>, head_timeout: Duration) {
    let answer = service_fn(|request| {
        let route = Arc::clone(&route);
        async move { Ok::<_, Infallible>(route.answer(&request).await) }
    });
    // A browser that closes the connection is not an error: the result is ignored.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

impl Route {
    /// The body is not read: no request needs one.
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let query = match request::callback_query(request, &self.redirect_uri) {
            Ok(query) => query,
            Err(refusal) => return refused(refusal),
        };
        let (page, shown) = oneshot::channel();
        // It fails only if the listener ends, which ends the connection, too.
        let _ = self.visits.send(Visit { query, page }).await;
        match shown.await {
            Ok(page) => response(page.status, "text/html; charset=utf-8", page.html),
            Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "the sign-in has ended"),
        }
    }
}

fn refused(refusal: Refusal) -> Response<Full<Bytes>> {
    let mut response = text(refusal.status(), &refusal.to_string());
    if refusal == Refusal::Method {
        let allowed = HeaderValue::from_static("GET");
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

fn text(status: StatusCode, line: &str) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", format!("{line}\n"))
}

/// The headers keep the address, which contains the code, from other sites and from caches.
fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
