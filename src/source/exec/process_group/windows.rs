//! A job object.

#![expect(
    unsafe_code,
    reason = "windows-sys has no safe wrapper for job objects"
)]

use std::{
    io, mem,
    os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle, RawHandle},
    ptr,
};

use tokio::process::{Child, Command};
use windows_sys::Win32::{
    Foundation::INVALID_HANDLE_VALUE,
    System::{
        Diagnostics::ToolHelp::{
            CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
        },
        JobObjects::{
            AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
            JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation,
            SetInformationJobObject,
        },
        Threading::{
            CREATE_NO_WINDOW, CREATE_SUSPENDED, OpenThread, ResumeThread, THREAD_SUSPEND_RESUME,
        },
    },
};

/// A running program and its children, in a job that ends with its last handle, which this is.
pub(in super::super) struct ProcessGroup {
    pub(in super::super) child: Child,
    job: Job,
}

impl ProcessGroup {
    /// Starts the program in a job of its own, and without a console: it cannot wait at the one of
    /// a daemon that runs in the foreground.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(in super::super) fn spawn(command: &mut Command) -> io::Result<Self> {
        let job = Job::new()?;
        job.kill_on_close(true)?;
        // Suspended until it is in the job, so that no child of it can be outside.
        command.creation_flags(CREATE_SUSPENDED | CREATE_NO_WINDOW);
        let child = command.spawn()?;
        let started = Self { child, job };
        let (Some(process), Some(id)) = (started.child.raw_handle(), started.child.id()) else {
            return Err(io::Error::other("the program has already exited"));
        };
        started.job.assign(process)?;
        resume(id)?;
        Ok(started)
    }

    /// Lets the children go on: the program has exited and left them behind on purpose, as one that
    /// starts an agent.
    pub(in super::super) fn release(&mut self) {
        // If this fails the children end with the job, as after a time-out.
        let _ = self.job.kill_on_close(false);
    }
}

/// A job object without a name. Closed when dropped.
struct Job(OwnedHandle);

impl Job {
    fn new() -> io::Result<Self> {
        // SAFETY: both pointers may be null: default security, so not inherited, and no name.
        let job = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if job.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just returned this handle, and nothing else owns it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(job) }))
    }

    /// Sets whether the processes of the job are killed when its last handle is closed.
    fn kill_on_close(&self, kill: bool) -> io::Result<()> {
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        if kill {
            limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        }
        let size = u32::try_from(size_of_val(&limits)).map_err(io::Error::other)?;
        // SAFETY: the handle is open, and `limits` is of the type that the class expects, has
        // `size` bytes and outlives the call.
        let set = unsafe {
            SetInformationJobObject(
                self.0.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size,
            )
        };
        succeeded(set)
    }

    fn assign(&self, process: RawHandle) -> io::Result<()> {
        // SAFETY: both handles are open: the child, which owns `process`, outlives the call.
        succeeded(unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), process) })
    }
}

/// Resumes the one thread of the suspended process `id`. The standard library keeps no handle of
/// it, so it is looked up.
fn resume(id: u32) -> io::Result<()> {
    // SAFETY: the arguments are numbers.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just returned this handle, and nothing else owns it.
    let snapshot = unsafe { OwnedHandle::from_raw_handle(snapshot) };
    // SAFETY: the type consists of integers, for which zero is valid.
    let mut entry: THREADENTRY32 = unsafe { mem::zeroed() };
    entry.dwSize = u32::try_from(size_of_val(&entry)).map_err(io::Error::other)?;
    // SAFETY: the handle is open, and `entry` contains its own size.
    let mut found = unsafe { Thread32First(snapshot.as_raw_handle(), &raw mut entry) } != 0;
    while found {
        if entry.th32OwnerProcessID == id {
            return resume_thread(entry.th32ThreadID);
        }
        // SAFETY: as above.
        found = unsafe { Thread32Next(snapshot.as_raw_handle(), &raw mut entry) } != 0;
    }
    Err(io::Error::other("the program has no thread"))
}

fn resume_thread(id: u32) -> io::Result<()> {
    // SAFETY: the arguments are numbers.
    let thread = unsafe { OpenThread(THREAD_SUSPEND_RESUME, 0, id) };
    if thread.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just returned this handle, and nothing else owns it.
    let thread = unsafe { OwnedHandle::from_raw_handle(thread) };
    // SAFETY: the handle is open with the right that this needs.
    match unsafe { ResumeThread(thread.as_raw_handle()) } {
        u32::MAX => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// The result of a call that returns zero if it fails.
fn succeeded(result: i32) -> io::Result<()> {
    match result {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{process::Stdio, time::Duration};

    use tokio::{io::AsyncReadExt as _, time::timeout};

    use super::*;

    /// `ping` waits a second between two requests. It inherits the output from `start`.
    const TWO_LEVELS: &str = "start /B ping -n 600 127.0.0.1 & ping -n 600 127.0.0.1";

    #[tokio::test]
    async fn what_holds_the_output_open_is_killed_with_the_group() {
        let mut command = Command::new("cmd");
        command
            .args(["/C", TWO_LEVELS])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut group = ProcessGroup::spawn(&mut command).unwrap();
        let mut stdout = group.child.stdout.take().unwrap();
        let mut first = [0];
        stdout.read_exact(&mut first).await.unwrap();
        drop(group);
        let mut rest = Vec::new();
        let end = timeout(Duration::from_secs(10), stdout.read_to_end(&mut rest)).await;
        end.expect("no process holds the pipe").unwrap();
    }

    #[tokio::test]
    async fn what_a_program_leaves_behind_goes_on() {
        let mut command = Command::new("cmd");
        command
            .args(["/C", "start /B ping -n 3 127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut group = ProcessGroup::spawn(&mut command).unwrap();
        let mut stdout = group.child.stdout.take().unwrap();
        assert!(group.child.wait().await.unwrap().success());
        group.release();
        drop(group);
        let mut text = String::new();
        stdout.read_to_string(&mut text).await.unwrap();
        assert!(text.contains("Sent = 3"), "{text}");
    }
}
