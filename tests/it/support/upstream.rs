//! A server that is not Vault: it records the requests and answers each in the same way.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::lock::lock;

/// How the server answers.
#[derive(Clone)]
pub(crate) enum UpstreamReply {
    /// Closes the connection at once.
    Close,
    /// Reads the request and never answers.
    Silence,
    /// Sends these bytes, a complete HTTP/1.1 response, after the head of a request.
    Http(String),
    /// Sends what this returns for the request.
    Answer(Arc<dyn Fn(&str) -> String + Send + Sync>),
}

/// Redirects every request to the same path below `base`.
pub(crate) fn redirect_to(status: &'static str, base: String) -> UpstreamReply {
    UpstreamReply::Answer(Arc::new(move |request| {
        let path = request.split(' ').nth(1).unwrap();
        format!(
            "HTTP/1.1 {status}\r\nlocation: {base}{path}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
    }))
}

/// A server that is stopped when it is dropped.
pub(crate) struct Upstream {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Upstream {
    pub(crate) async fn start(reply: UpstreamReply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let task = tokio::spawn({
            let requests = Arc::clone(&requests);
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let index = {
                        let mut requests = lock(&requests);
                        requests.push(String::new());
                        requests.len() - 1
                    };
                    tokio::spawn(serve(stream, reply.clone(), Arc::clone(&requests), index));
                }
            }
        });
        Self {
            port,
            requests,
            task,
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `127.0.0.1:PORT`, as in messages.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many connections clients have opened.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.requests).len()
    }

    /// What each connection has received.
    pub(crate) fn requests(&self) -> Vec<String> {
        lock(&self.requests).clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A complete HTTP response.
pub(crate) fn respond(
    status: &str,
    content_type: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> UpstreamReply {
    let more: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    UpstreamReply::Http(format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n{body}",
        body.len()
    ))
}

async fn serve(
    mut stream: TcpStream,
    reply: UpstreamReply,
    requests: Arc<Mutex<Vec<String>>>,
    index: usize,
) {
    if matches!(reply, UpstreamReply::Close) {
        return;
    }
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        let has_head = {
            let mut requests = lock(&requests);
            requests[index].push_str(&String::from_utf8_lossy(&chunk[..read]));
            requests[index].contains("\r\n\r\n")
        };
        let response = match &reply {
            UpstreamReply::Http(response) if has_head => response.clone(),
            UpstreamReply::Answer(answer) if has_head => {
                let request = lock(&requests)[index].clone();
                if !is_complete(&request) {
                    continue;
                }
                answer(&request)
            }
            _ => continue,
        };
        // The client may have closed the connection.
        let _ = stream.write_all(response.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

/// Whether the body is as long as the head says.
fn is_complete(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length:")?
            .trim()
            .parse()
            .ok()
    });
    body.len() >= length.unwrap_or(0)
}
