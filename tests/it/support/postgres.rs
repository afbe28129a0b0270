//! A real PostgreSQL server for engines that issue leases. It is killed when it is dropped.

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

/// It trusts everyone on 127.0.0.1; `postgres` is the administrator.
pub(crate) struct Postgres {
    directory: TempDir,
    port: u16,
    child: Child,
}

impl Postgres {
    pub(crate) async fn start() -> Self {
        let directory = TempDir::new().unwrap();
        // Another user may have to reach what is in it.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let data = directory.path().join("data");
        let made = as_somebody("initdb", directory.path())
            .args(["--auth=trust", "--username=postgres", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let port = free_port();
        let log = File::create(directory.path().join("log")).unwrap();
        let child = as_somebody("postgres", directory.path())
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

    /// For the `database` engine's `connection_url`.
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
        // Its "immediate" shutdown, which takes its other processes with it.
        let _ = kill_process(Pid::from_child(&self.child), Signal::QUIT);
        let _ = self.child.wait();
    }
}

/// PostgreSQL's programs refuse to run as root.
fn as_somebody(name: &str, home: &Path) -> Command {
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
