//! A server that is not Vault: it counts who connects, keeps what they send, and answers the same to all.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What everyone is answered.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Nothing: the connection is closed at once.
    Close,
    /// Nothing, ever.
    Silence,
    /// These bytes, an HTTP/1.1 response as a whole, once a request's head is there.
    Http(String),
}

/// It ends when dropped.
pub(crate) struct Upstream {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Upstream {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let task = tokio::spawn({
            let requests = Arc::clone(&requests);
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let at = {
                        let mut requests = requests.lock().unwrap();
                        requests.push(String::new());
                        requests.len() - 1
                    };
                    tokio::spawn(serve(stream, answer.clone(), Arc::clone(&requests), at));
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

    /// `127.0.0.1:PORT`, as it is in messages.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// What came over each of them.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A whole response.
pub(crate) fn respond(status: &str, kind: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let more: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    Answer::Http(format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n{body}",
        body.len()
    ))
}

async fn serve(
    mut stream: TcpStream,
    answer: Answer,
    requests: Arc<Mutex<Vec<String>>>,
    at: usize,
) {
    if matches!(answer, Answer::Close) {
        return;
    }
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        let head_is_there = {
            let mut requests = requests.lock().unwrap();
            requests[at].push_str(&String::from_utf8_lossy(&chunk[..read]));
            requests[at].contains("\r\n\r\n")
        };
        if let (true, Answer::Http(response)) = (head_is_there, &answer) {
            // The client may have gone: its affair.
            let _ = stream.write_all(response.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    }
}
