//! The named pipe. Its access list excludes other users, and the user of each client is checked.

use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle as _},
    path::Path,
    pin::Pin,
    task::{Context, Poll, ready},
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
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    net::windows::named_pipe::{ClientOptions, NamedPipeClient},
};
use windows_sys::Win32::{
    Foundation::{ERROR_ACCESS_DENIED, ERROR_PIPE_BUSY},
    Storage::FileSystem::SECURITY_IDENTIFICATION,
    System::Pipes::{DisconnectNamedPipe, GetNamedPipeServerProcessId},
};

use super::{BindError, Connection, Peer, PeerUser, sddl};
use crate::{
    client_process,
    process::{PassedSocket, sid},
};

/// A listening pipe. The system frees the name when the process closes it or ends.
#[derive(Debug)]
pub(crate) struct Listener {
    inner: PipeListener<Bytes, Bytes>,
    user: String,
}

impl Listener {
    /// Listens on the pipe `path`, which must be unused.
    ///
    /// # Errors
    ///
    /// [`BindError`].
    pub(crate) async fn bind(path: &Path) -> Result<Self, BindError> {
        let user = sid::own().map_err(BindError::io(
            path,
            "determine the user for the access list of",
        ))?;
        match open(path) {
            Ok(_) => return Err(BindError::Live(path.to_owned())),
            Err(error) if is(&error, ERROR_PIPE_BUSY) => {
                return Err(BindError::Live(path.to_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(BindError::Unsafe(format!(
                    "a process of another user listens on '{}'",
                    path.display()
                )));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(BindError::io(path, "connect to")(error)),
        }
        let inner = create(path, &user).map_err(|error| {
            // Another daemon was faster: only the first one may create a pipe of that name.
            if is(&error, ERROR_ACCESS_DENIED) {
                BindError::Live(path.to_owned())
            } else {
                BindError::io(path, "listen on")(error)
            }
        })?;
        Ok(Self { inner, user })
    }

    /// Never called.
    ///
    /// # Errors
    ///
    /// None.
    pub(crate) async fn adopt(passed: PassedSocket, _: &Path) -> Result<Self, BindError> {
        match passed {}
    }

    /// Returns the next connection of this user. Connections of other users, which the pipe's
    /// access list prevents, and of processes that have ended are closed.
    ///
    /// # Errors
    ///
    /// Those of `ConnectNamedPipe` and `CreateNamedPipe`, most of which are temporary.
    pub(crate) async fn accept(&mut self) -> io::Result<(Stream, Peer)> {
        loop {
            let pipe = self.inner.accept().await?;
            let client = pipe
                .client_process_id()
                .and_then(|pid| Ok((pid, sid::of_process(pid)?)));
            match client {
                Ok((pid, user)) if user == self.user => {
                    let peer = Peer {
                        pid: Some(pid),
                        process: client_process::identify(pid),
                        user: PeerUser::Own,
                    };
                    return Ok((Stream::new(pipe), peer));
                }
                Ok((pid, user)) => {
                    tracing::warn!(
                        event = "foreign-connection",
                        pid,
                        user,
                        "closed a connection of another user"
                    );
                }
                Err(error) => {
                    tracing::warn!(
                        event = "foreign-connection",
                        %error,
                        "closed a connection of an unknown user",
                    );
                }
            }
        }
    }

    /// Always true: a pipe's name cannot be taken from the process that listens on it.
    #[must_use]
    pub(crate) fn is_reachable(&self) -> bool {
        true
    }
}

/// The daemon's end of a connection. After writing it must be shut down, which waits until
/// everything has been read; if it is dropped before that, the connection is broken off and unread
/// bytes are lost.
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

impl Connection for Stream {
    async fn closed(&mut self) {
        let mut dropped = [0; 256];
        // A pipe has no directions that are closed one by one.
        while !matches!(self.read(&mut dropped).await, Ok(0) | Err(_)) {}
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.unread {
            // A flush is a thread that waits until the client has read everything. A client that
            // never does would keep the thread, and with it the daemon, from ending.
            self.pipe.assume_flushed();
            disconnect(&self.pipe);
        }
    }
}

fn create(path: &Path, user: &str) -> io::Result<PipeListener<Bytes, Bytes>> {
    let name = path.to_wtf_16().map_err(io::Error::other)?;
    let access = sddl::only(user).to_wtf_16().map_err(io::Error::other)?;
    // Fails unless it is the first of its name (`FILE_FLAG_FIRST_PIPE_INSTANCE`).
    PipeListenerOptions::new()
        .path(name)
        .mode(PipeMode::Bytes)
        .accept_remote(false)
        .inheritable(false)
        .security_descriptor(Some(SecurityDescriptor::deserialize(&access)?))
        .create_tokio_duplex()
}

/// Connects to the daemon.
///
/// # Errors
///
/// `NotFound` if none listens, `PermissionDenied` if a process of another user does.
fn open(path: &Path) -> io::Result<NamedPipeClient> {
    // The server may identify this user, but not impersonate it.
    let pipe = ClientOptions::new()
        .security_qos_flags(SECURITY_IDENTIFICATION)
        .open(path)?;
    if sid::of_process(server(&pipe)?)? != sid::own()? {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "a process of another user listens there",
        ));
    }
    Ok(pipe)
}

#[expect(unsafe_code, reason = "tokio does not offer this call")]
fn server(pipe: &NamedPipeClient) -> io::Result<u32> {
    let mut pid = 0;
    // SAFETY: the handle is open while `pipe` is borrowed; `pid` is live.
    if unsafe { GetNamedPipeServerProcessId(pipe.as_raw_handle(), &raw mut pid) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(pid)
}

#[expect(unsafe_code, reason = "interprocess does not offer this call")]
fn disconnect(pipe: &impl AsHandle) {
    // SAFETY: the handle is open while `pipe` is borrowed. An unconnected pipe is only an error.
    unsafe { DisconnectNamedPipe(pipe.as_handle().as_raw_handle()) };
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

#[cfg(test)]
mod tests;
