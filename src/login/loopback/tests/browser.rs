//! One connection of a browser.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

/// The limit for what takes no time on an idle machine.
const SOON: Duration = Duration::from_secs(20);

/// An open connection to the listener.
pub(super) struct Browser {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

/// A response, as it was received.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Browser {
    pub(super) async fn open(address: SocketAddr) -> Self {
        Self {
            stream: BufReader::new(TcpStream::connect(address).await.unwrap()),
            address,
        }
    }

    /// Sends a GET as a browser does that follows a redirect from another site.
    pub(super) async fn get(&mut self, target: &str) {
        let lines = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n";
        self.request("GET", target, lines).await;
    }

    /// Sends a request with the right `Host` and these lines.
    pub(super) async fn request(&mut self, method: &str, target: &str, lines: &str) {
        let host = self.address;
        let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
        self.send(head.as_bytes()).await;
    }

    /// Ignores an error: the listener may have closed the connection for what it has read.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.get_mut().write_all(bytes).await;
    }

    /// Whether the listener has closed the connection.
    pub(super) fn is_closed(&self) -> bool {
        let read = self.stream.get_ref().try_read(&mut [0; 256]);
        !matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// The next response, or `None` if the connection is closed instead.
    pub(super) async fn next_response(&mut self) -> Option<Received> {
        let response = tokio::time::timeout(SOON, self.read_response(true)).await;
        response.expect("a response within the time")
    }

    /// As [`Browser::next_response`], after a request with HEAD: no body follows.
    pub(super) async fn next_head(&mut self) -> Option<Received> {
        let response = tokio::time::timeout(SOON, self.read_response(false)).await;
        response.expect("a response within the time")
    }

    async fn read_response(&mut self, has_body: bool) -> Option<Received> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head).await.ok()? == 0 {
                return None;
            }
        }
        let mut received = Received {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: String::new(),
        };
        if has_body {
            let length = received.header("content-length").unwrap_or("0");
            let mut body = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut body).await.ok()?;
            received.body = String::from_utf8(body).unwrap();
        }
        Some(received)
    }
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    /// Passes if nothing of the sign-in's secrets is in the response, and if it keeps the address
    /// from others.
    pub(super) fn assert_safe(&self) {
        let all = format!("{}{}", self.head, self.body);
        assert!(!all.contains("canary"), "{all}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(self.header(name), Some(value), "{all}");
        }
        let policy = self.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(!policy.contains("unsafe"));
    }
}
