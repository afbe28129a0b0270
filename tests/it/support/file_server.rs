//! A real server for files: Starlette's, which comes with LiteLLM. It sends entity tags and answers
//! conditional requests. One process serves all tests, each of which has a directory of its own.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{net::TcpStream, sync::OnceCell};

use super::{
    poll::until,
    tools::{free_port, tool},
};

/// The limit for the start, while other tests keep the machine busy.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A process that runs until the test process ends.
struct Process {
    directory: PathBuf,
    port: u16,
    /// Its standard input is open as long as this process lives: see `file_server.py`.
    _child: Child,
}

/// The directory of one test on the server.
pub(crate) struct FileServer {
    process: &'static Process,
    name: String,
}

impl FileServer {
    /// An empty directory on the server, which is started if it does not run yet.
    pub(crate) async fn start() -> Self {
        static PROCESS: OnceCell<Process> = OnceCell::const_new();
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let process = PROCESS.get_or_init(Process::start).await;
        let name = CALLS.fetch_add(1, Ordering::Relaxed).to_string();
        fs::create_dir(process.directory.join("files").join(&name)).unwrap();
        Self { process, name }
    }

    /// The server's port on 127.0.0.1, for plain HTTP.
    pub(crate) fn port(&self) -> u16 {
        self.process.port
    }

    /// The path of the file `name` in URLs.
    pub(crate) fn url_path(&self, name: &str) -> String {
        format!("/{}/{name}", self.name)
    }

    /// Replaces the file `name`, by a rename.
    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let directory = self.process.directory.join("files").join(&self.name);
        fs::write(directory.join("new"), content).unwrap();
        fs::rename(directory.join("new"), directory.join(name)).unwrap();
    }

    /// The statuses of all answers to requests for the file `name`, the oldest first.
    pub(crate) fn statuses(&self, name: &str) -> Vec<u16> {
        let request = format!("\"GET {} HTTP/1.1\" ", self.url_path(name));
        let log = fs::read_to_string(self.process.directory.join("log")).unwrap();
        let answers = log.lines().filter_map(|line| line.split_once(&request));
        answers
            .map(|(_, status)| status[..3].parse().unwrap())
            .collect()
    }
}

impl Process {
    async fn start() -> Self {
        // `file_server.py` removes it.
        let directory = TempDir::new().unwrap().keep();
        fs::create_dir(directory.join("files")).unwrap();
        let script = directory.join("file_server.py");
        fs::write(&script, include_str!("file_server.py")).unwrap();
        let log = File::create(directory.join("log")).unwrap();
        let port = free_port();
        // LiteLLM's programs lie beside each other, in the directory to which the link points.
        let litellm = tool("litellm").canonicalize().unwrap();
        let child = Command::new(litellm.with_file_name("python3"))
            .arg(script)
            .arg(&directory)
            .arg(port.to_string())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        until("the server for files is up", START_LIMIT, async || {
            TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        Self {
            directory,
            port,
            _child: child,
        }
    }
}
