//! A server in front of a real Vault: it passes requests on, or answers in Vault's place.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use super::{
    lock::lock,
    upstream::{Upstream, UpstreamReply},
};

/// Answers a request, of which it gets the head and the body; `None` to pass it on.
type Answer = dyn Fn(&str) -> Option<String> + Send + Sync;

/// A front that passes everything on until [`Front::answer`].
pub(crate) struct Front {
    upstream: Upstream,
    answer: Arc<Mutex<Option<Arc<Answer>>>>,
}

impl Front {
    /// Starts a front of the server at `host` (host and port).
    pub(crate) async fn start(host: String) -> Self {
        let answer = Arc::<Mutex<Option<Arc<Answer>>>>::default();
        let current = Arc::clone(&answer);
        let reply = UpstreamReply::Answer(Arc::new(move |request| {
            let answer = lock(&current).clone();
            answer
                .and_then(|answer| answer(request))
                .unwrap_or_else(|| forward(&host, request))
        }));
        Self {
            upstream: Upstream::start(reply).await,
            answer,
        }
    }

    /// From now on, `answer` answers in the server's place, if it returns a response.
    pub(crate) fn answer(&self, answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) {
        *lock(&self.answer) = Some(Arc::new(answer));
    }

    /// From now on, every request is passed on.
    pub(crate) fn pass_on(&self) {
        *lock(&self.answer) = None;
    }

    pub(crate) fn url(&self) -> String {
        self.upstream.url()
    }

    pub(crate) fn host(&self) -> String {
        self.upstream.host()
    }

    /// How many connections clients have opened.
    pub(crate) fn connections(&self) -> usize {
        self.upstream.connections()
    }
}

/// Sends `request` to `host` on a connection of its own, and returns the response.
fn forward(host: &str, request: &str) -> String {
    let request = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let mut server = TcpStream::connect(host).unwrap();
    server.write_all(request.as_bytes()).unwrap();
    let mut response = Vec::new();
    server.read_to_end(&mut response).unwrap();
    String::from_utf8(response).unwrap()
}
