//! The named pipe: nobody else can open it, and the process at the other end is looked at all the same.

use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle as _},
    path::Path,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use interprocess::os::windows::{
    ToWtf16 as _,
    named_pipe::{
        PipeListenerOptions, PipeMode,
        pipe_mode::Bytes,
        tokio::{DuplexPipeStream, PipeListener},
    },
    security_descriptor::SecurityDescriptor,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::windows::named_pipe::{ClientOptions, NamedPipeClient},
};
use windows_sys::Win32::{
    Foundation::{ERROR_ACCESS_DENIED, ERROR_PIPE_BUSY},
    Storage::FileSystem::SECURITY_IDENTIFICATION,
    System::Pipes::{DisconnectNamedPipe, GetNamedPipeServerProcessId},
};

use super::{BindError, Peer, sddl};
use crate::process::sid;

/// How long to wait while others are being let in: the listener needs two system calls between one and the next.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// A listening pipe. The system takes the name back when its last handle is closed, however the process ends.
#[derive(Debug)]
pub(crate) struct Listener {
    inner: PipeListener<Bytes, Bytes>,
    user: String,
}

impl Listener {
    /// Listens on the pipe `path`, which nobody may listen on yet.
    ///
    /// # Errors
    ///
    /// [`BindError`].
    pub(crate) async fn bind(path: &Path) -> Result<Self, BindError> {
        let user = sid::own().map_err(io_error(path, "cannot be given to its user alone"))?;
        match open(path) {
            Ok(_) => return Err(BindError::Live(path.to_owned())),
            Err(error) if is(&error, ERROR_PIPE_BUSY) => {
                return Err(BindError::Live(path.to_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(BindError::Unsafe {
                    path: path.to_owned(),
                    reason: "another user's process listens there".to_owned(),
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error(path, "cannot be connected to")(error)),
        }
        let inner = create(path, &user).map_err(|error| {
            // Whoever was quicker has it: only the first may make a pipe of that name.
            if is(&error, ERROR_ACCESS_DENIED) {
                BindError::Live(path.to_owned())
            } else {
                io_error(path, "cannot be listened on")(error)
            }
        })?;
        Ok(Self { inner, user })
    }

    /// The next connection of this user's. Others', which the pipe's access list should have kept out, are closed, and
    /// so are those of processes that have ended.
    ///
    /// # Errors
    ///
    /// As `ConnectNamedPipe` and `CreateNamedPipe`; most pass.
    pub(crate) async fn accept(&mut self) -> io::Result<(Stream, Peer)> {
        loop {
            let pipe = self.inner.accept().await?;
            let client = pipe
                .client_process_id()
                .and_then(|pid| Ok((pid, sid::of_process(pid)?)));
            match client {
                Ok((pid, user)) if user == self.user => {
                    return Ok((Stream::new(pipe), Peer { pid: Some(pid) }));
                }
                Ok((pid, user)) => {
                    tracing::warn!(pid, user, "another user's connection was closed");
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was closed: cannot tell whose it is");
                }
            }
        }
    }
}

/// One connection, as the daemon has it. Whoever writes ends with a shutdown, which waits until all has been read;
/// dropped before that, the connection breaks off, and what has not been read is gone.
#[derive(Debug)]
pub(crate) struct Stream {
    pipe: DuplexPipeStream<Bytes>,
    unread: bool,
}

impl Stream {
    fn new(pipe: DuplexPipeStream<Bytes>) -> Self {
        Self {
            pipe,
            unread: false,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unread = true;
        Pin::new(&mut self.pipe).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.pipe).poll_flush(context))?;
        self.unread = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.unread {
            // A flush is a thread that waits for the other side to read. One that never does would keep it, and the
            // daemon from ending; nor is there anything to linger for.
            self.pipe.assume_flushed();
            disconnect(&self.pipe);
        }
    }
}

/// Connects to the daemon. While it lets others in, this waits.
///
/// # Errors
///
/// `NotFound` where none listens; `PermissionDenied` where another user's process does.
pub(crate) async fn connect(path: &Path) -> io::Result<NamedPipeClient> {
    loop {
        match open(path) {
            Err(error) if is(&error, ERROR_PIPE_BUSY) => tokio::time::sleep(BUSY_PAUSE).await,
            opened => return opened,
        }
    }
}

/// What tells this user's pipe from others': the user's SID. Empty where the system does not tell it: nobody listens on
/// a pipe of that name, since [`Listener::bind`] needs the SID too and says why it has none.
pub(crate) fn own_user() -> String {
    sid::own().unwrap_or_default()
}

fn create(path: &Path, user: &str) -> io::Result<PipeListener<Bytes, Bytes>> {
    let name = path.to_wtf_16().map_err(io::Error::other)?;
    let access = sddl::only(user).to_wtf_16().map_err(io::Error::other)?;
    // It is made as the first of its name (`FILE_FLAG_FIRST_PIPE_INSTANCE`), or not at all.
    PipeListenerOptions::new()
        .path(name)
        .mode(PipeMode::Bytes)
        .accept_remote(false)
        .inheritable(false)
        .security_descriptor(Some(SecurityDescriptor::deserialize(&access)?))
        .create_tokio_duplex()
}

fn open(path: &Path) -> io::Result<NamedPipeClient> {
    // A server may learn who we are and not act in our name.
    let pipe = ClientOptions::new()
        .security_qos_flags(SECURITY_IDENTIFICATION)
        .open(path)?;
    if sid::of_process(server(&pipe)?)? != sid::own()? {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the daemon there runs as another user",
        ));
    }
    Ok(pipe)
}

#[expect(unsafe_code, reason = "tokio does not ask for it")]
fn server(pipe: &NamedPipeClient) -> io::Result<u32> {
    let mut pid = 0;
    // SAFETY: the handle is open as long as `pipe` lives; `pid` is a live place for a number.
    if unsafe { GetNamedPipeServerProcessId(pipe.as_raw_handle(), &raw mut pid) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(pid)
}

#[expect(unsafe_code, reason = "interprocess has no way to break off")]
fn disconnect(pipe: &impl AsHandle) {
    // SAFETY: the handle is open as long as `pipe` lives. That it may not be connected any more is no harm.
    unsafe { DisconnectNamedPipe(pipe.as_handle().as_raw_handle()) };
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

fn io_error(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> BindError {
    let path = path.to_owned();
    move |source| BindError::Io {
        path,
        doing,
        source,
    }
}

#[cfg(test)]
mod tests;
