//! Asking the daemon something and hearing its whole answer.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    pin::pin,
    process::Stdio,
    time::Duration,
};

use claviger_wire::{self as wire, Request, Response};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    time::timeout,
};

use super::Complaint;
use crate::{error_report, listener, process};

/// How long a command waits: a refresh may take as long as its source does.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is quicker than this needs no word.
const UNNOTICED: Duration = Duration::from_secs(1);

/// How long a daemon may take to start.
const START_PATIENCE: Duration = Duration::from_secs(8);

/// Asks the daemon that listens; `None` where none does.
pub(super) async fn ask(request: &Request) -> Result<Option<Vec<Response>>, Complaint> {
    let socket = super::socket()?;
    let exchange = timeout(PATIENCE, exchange(&socket, request));
    match told_when_slow(exchange).await {
        Ok(Ok(responses)) => Ok(Some(responses)),
        Ok(Err(error)) if is_nobody_there(&error) => Ok(None),
        Ok(Err(error)) => Err(no_answer(&error.to_string())),
        Err(_) => Err(no_answer("it takes too long")),
    }
}

/// Asks the daemon, which is started where none listens.
pub(super) async fn ask_or_start(request: &Request) -> Result<Vec<Response>, Complaint> {
    if let Some(responses) = ask(request).await? {
        return Ok(responses);
    }
    timeout(START_PATIENCE, start())
        .await
        .unwrap_or_else(|_| Err(no_answer("it takes too long to start")))?;
    ask(request)
        .await?
        .ok_or_else(|| no_answer("it ended at once"))
}

/// The JSON objects of an answer, or what the daemon has to complain about.
pub(super) fn reports(responses: Vec<Response>) -> Result<Vec<serde_json::Value>, Complaint> {
    let mut reports = Vec::new();
    for response in responses {
        match response {
            Response::Report(json) => reports
                .push(serde_json::from_str(&json).map_err(|error| no_answer(&error.to_string()))?),
            Response::Done => return Ok(reports),
            Response::Failure(failure) => return Err(failure.into()),
            Response::Credential { .. }
            | Response::Unsupported { .. }
            | Response::Unknown { .. } => {
                return Err(Complaint::new(
                    error_report::DAEMON,
                    "the daemon that runs is of another version and does not know this request",
                    "run claviger stop, so that the installed version is started",
                ));
            }
        }
    }
    Err(no_answer("it broke off"))
}

/// Tells whoever sits at the terminal that it is still being waited for, when it takes long enough to be noticed.
async fn told_when_slow<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    if let Ok(done) = timeout(UNNOTICED, &mut work).await {
        return done;
    }
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        let patience = PATIENCE.as_secs();
        // Where it is closed there is nobody to tell.
        let _ = writeln!(
            stderr,
            "the source takes its time; waiting up to {patience} s ..."
        );
    }
    work.await
}

async fn exchange(socket: &Path, request: &Request) -> io::Result<Vec<Response>> {
    let mut stream = listener::connect(socket).await?;
    stream.write_all(&request.encode()).await?;
    let mut responses = Vec::new();
    loop {
        let mut header = [0; wire::HEADER_LEN];
        match stream.read_exact(&mut header).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(responses),
            other => other?,
        };
        let len = wire::body_len(header).map_err(io::Error::other)?;
        let mut body = vec![0; len];
        stream.read_exact(&mut body).await?;
        responses.push(Response::decode(&body).map_err(io::Error::other)?);
    }
}

/// As the shim does it: see `claviger daemon --detached` for what the daemon says when it listens.
async fn start() -> Result<(), Complaint> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.args(["daemon", "--detached"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    process::detach(&mut command);
    let mut child = command.spawn()?;
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| no_answer("it cannot be started"))?;
    let mut lines = BufReader::new(stdout).lines();
    let word = lines.next_line().await?.unwrap_or_default();
    if word == "ok" {
        return Ok(());
    }
    let Some(code) = word
        .strip_prefix("error ")
        .and_then(|code| code.parse().ok())
        .map(wire::ExitCode::from_byte)
    else {
        return Err(no_answer("it ended without a word"));
    };
    let message = lines.next_line().await?.unwrap_or_default();
    let hint = lines.next_line().await?.unwrap_or_default();
    Err(Complaint::new(code, message, hint))
}

fn is_nobody_there(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

fn no_answer(why: &str) -> Complaint {
    let log = crate::paths::log_file();
    Complaint::new(
        error_report::DAEMON,
        format!("the daemon does not answer: {why}"),
        format!("see its log, '{}'", log.display()),
    )
}
