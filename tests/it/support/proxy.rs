//! Proxies: HTTP with `CONNECT` and plain requests, and SOCKS5. They know every host name as this
//! machine, so that a test's server has a name that only its proxy knows.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::lock::lock;

/// What a proxy does with a request.
#[derive(Clone)]
pub(crate) enum ProxyReply {
    /// Connects to the port of the host's name or address on this machine.
    Forward,
    /// Connects to this port of this machine, whatever the request names.
    Detour(u16),
    /// Responds with this status and reason, and a page.
    Refuse(&'static str),
    /// Responds with this status, with the head of the request in the reason, a header and the
    /// body.
    Echo(&'static str),
    /// Accepts and never responds.
    Silence,
}

/// A proxy that is stopped when it is dropped.
pub(crate) struct ProxyServer {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl ProxyServer {
    /// A proxy for HTTP.
    pub(crate) async fn start(reply: ProxyReply) -> Self {
        Self::listen(move |stream, log| serve_http(stream, log, reply.clone())).await
    }

    /// A proxy for SOCKS5.
    pub(crate) async fn start_socks() -> Self {
        Self::listen(serve_socks).await
    }

    async fn listen<F>(
        serve: impl Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Option<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&log)));
            }
        });
        Self {
            port,
            requests,
            task,
        }
    }

    /// `127.0.0.1:PORT`, as in messages.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The request of each connection: its head, or for SOCKS `HOST:PORT`.
    pub(crate) fn requests(&self) -> Vec<String> {
        lock(&self.requests).clone()
    }
}

impl Drop for ProxyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve_http(
    mut stream: TcpStream,
    log: Arc<Mutex<Vec<String>>>,
    reply: ProxyReply,
) -> Option<()> {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    lock(&log).push(head.clone());
    let (method, rest) = head.split_once(' ')?;
    let (target, _) = rest.split_once(' ')?;
    let response = match reply {
        ProxyReply::Forward | ProxyReply::Detour(_) => {
            let authority = target.strip_prefix("http://").unwrap_or(target);
            let authority = authority.split('/').next()?;
            let (_, port) = authority.rsplit_once(':')?;
            let port = match reply {
                ProxyReply::Detour(port) => port,
                _ => port.parse().ok()?,
            };
            let mut server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
            match method {
                "CONNECT" => stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?,
                _ => server.write_all(&bytes).await.ok()?,
            }
            copy_bidirectional(&mut stream, &mut server).await.ok()?;
            return Some(());
        }
        ProxyReply::Refuse(status) => page(status, "", "<html>proxy</html>"),
        ProxyReply::Echo(status) => {
            let line = head.replace("\r\n", " ");
            page(
                &format!("{status} {line}"),
                &format!("x-echo: {line}\r\n"),
                &head,
            )
        }
        ProxyReply::Silence => return std::future::pending().await,
    };
    stream.write_all(response.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

fn page(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\
         proxy-authenticate: Basic\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// RFC 1928, without authentication.
async fn serve_socks(mut stream: TcpStream, log: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).await.ok()?;
    let mut methods = vec![0; greeting[1].into()];
    stream.read_exact(&mut methods).await.ok()?;
    stream.write_all(&[5, 0]).await.ok()?;
    let mut request = [0; 4];
    stream.read_exact(&mut request).await.ok()?;
    let host = match request[3] {
        3 => {
            let length = stream.read_u8().await.ok()?;
            let mut name = vec![0; length.into()];
            stream.read_exact(&mut name).await.ok()?;
            String::from_utf8(name).ok()?
        }
        1 => {
            let mut address = [0_u8; 4];
            stream.read_exact(&mut address).await.ok()?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        _ => return None,
    };
    let port = stream.read_u16().await.ok()?;
    lock(&log).push(format!("{host}:{port}"));
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let accepted = [5, 0, 0, 1, 127, 0, 0, 1, 0, 0];
    stream.write_all(&accepted).await.ok()?;
    copy_bidirectional(&mut stream, &mut server).await.ok()?;
    Some(())
}
