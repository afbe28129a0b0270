//! A real PostgreSQL server, for engines that issue leases.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{
    poll::{SOON, until},
    tools::{free_port, tool},
};

/// A server that is killed when it is dropped. It trusts every client on 127.0.0.1; the
/// administrator is `postgres`.
pub(crate) struct Postgres {
    directory: TempDir,
    port: u16,
    child: Child,
}

impl Postgres {
    pub(crate) async fn start() -> Self {
        let directory = TempDir::new().unwrap();
        // The server may run as another user, see `unprivileged`.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let data = directory.path().join("data");
        let created = unprivileged("initdb", directory.path())
            .args(["--auth=trust", "--username=postgres", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(created.status.success(), "{created:?}");
        let port = free_port();
        let log = File::create(directory.path().join("log")).unwrap();
        let child = unprivileged("postgres", directory.path())
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-k", "", "-F", "-p", &port.to_string()])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let postgres = Self {
            directory,
            port,
            child,
        };
        until("PostgreSQL is up", SOON, async || {
            postgres.log().contains("ready to accept connections")
        })
        .await;
        postgres
    }

    /// The `connection_url` for the database engine.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/postgres?sslmode=disable",
            self.port
        )
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // PostgreSQL's "immediate" shutdown, which ends its child processes, too.
        let _ = kill_process(Pid::from_child(&self.child), Signal::QUIT);
        let _ = self.child.wait();
    }
}

/// A command for one of PostgreSQL's programs. They refuse to run as root, so a test that runs as
/// root runs them as another user.
fn unprivileged(name: &str, home: &Path) -> Command {
    let tool = tool(name);
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
            .arg(tool);
        command
    } else {
        Command::new(tool)
    };
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .env("HOME", home)
        .current_dir(home)
        .stdin(Stdio::null());
    command
}
