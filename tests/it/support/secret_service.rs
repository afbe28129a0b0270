//! A real Secret Service: gnome-keyring on a bus of its own.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write as _,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

use super::poll::{SOON, until};

/// The collection for items of which the client names none.
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";

/// The password of the user's keyring. An empty one opens no keyring.
pub(crate) const KEYRING_PASSWORD: &str = "keyring";

const BUS: &str = "org.freedesktop.DBus";
const SERVICE: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const SERVICE_INTERFACE: &str = "org.freedesktop.Secret.Service";

/// A bus, and a keyring on it. Both are killed when this is dropped.
pub(crate) struct SecretService {
    /// The home of the keyring's user.
    home: TempDir,
    socket: PathBuf,
    bus: Child,
    keyring: Option<Child>,
}

impl SecretService {
    /// Starts a bus at `RUNTIME_DIR/bus`, the usual place, and an unlocked keyring.
    pub(crate) async fn start(runtime_dir: &Path) -> Self {
        let mut service = Self::start_bus(runtime_dir).await;
        service.start_keyring(KEYRING_PASSWORD).await;
        service
    }

    /// Starts a bus without a Secret Service.
    pub(crate) async fn start_bus(runtime_dir: &Path) -> Self {
        let home = TempDir::new().unwrap();
        let socket = runtime_dir.join("bus");
        let config = home.path().join("bus.conf");
        fs::write(&config, bus_config(&socket)).unwrap();
        let mut bus = Command::new("dbus-daemon");
        bus.arg("--nofork").arg("--config-file").arg(&config);
        let bus = bus
            .stdin(Stdio::null())
            .stderr(File::create(home.path().join("bus.log")).unwrap())
            .spawn()
            .unwrap();
        let service = Self {
            home,
            socket,
            bus,
            keyring: None,
        };
        // The socket exists before it listens.
        until("the bus is up", SOON, async || {
            UnixStream::connect(&service.socket).is_ok()
        })
        .await;
        service
    }

    /// Starts the keyring. The first one chooses the password; with another one, a later keyring
    /// stays locked.
    pub(crate) async fn start_keyring(&mut self, password: &str) {
        let mut command = self.command("gnome-keyring-daemon");
        command
            .args(["--foreground", "--unlock", "--components=secrets"])
            .arg(format!(
                "--control-directory={}",
                self.home.path().display()
            ))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(self.home.path().join("keyring.log")).unwrap());
        let mut keyring = command.spawn().unwrap();
        let mut stdin = keyring.stdin.take().unwrap();
        stdin.write_all(password.as_bytes()).unwrap();
        drop(stdin);
        self.keyring = Some(keyring);
        until("the keyring is up", SOON, async || self.is_running()).await;
    }

    /// Kills the keyring. Its items are kept for the next one.
    pub(crate) fn stop_keyring(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            let _ = keyring.kill();
            let _ = keyring.wait();
        }
    }

    /// Locks the keyring, as a desktop does with its screen. To unlock it, a person must answer a
    /// prompt, which this bus cannot show.
    pub(crate) fn lock(&self) {
        let method = format!("{SERVICE_INTERFACE}.Lock");
        self.call(
            SERVICE,
            SERVICE_PATH,
            &method,
            &[&format!("['{COLLECTION}']")],
        );
    }

    /// The value of `DBUS_SESSION_BUS_ADDRESS`.
    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.socket.display())
    }

    /// The attributes of all items.
    pub(crate) fn items(&self) -> Vec<BTreeMap<String, String>> {
        let method = format!("{SERVICE_INTERFACE}.SearchItems");
        // The unlocked and the locked items' paths.
        let found = self.call(SERVICE, SERVICE_PATH, &method, &["{}"]);
        let paths = strings(&found)
            .into_iter()
            .filter(|text| text.starts_with('/'));
        paths
            .map(|path| {
                let get = "org.freedesktop.DBus.Properties.Get";
                let item = ["org.freedesktop.Secret.Item", "Attributes"];
                let attributes = strings(&self.call(SERVICE, path, get, &item))
                    .into_iter()
                    .map(str::to_owned)
                    .collect::<Vec<_>>();
                let (pairs, _) = attributes.as_chunks::<2>();
                pairs
                    .iter()
                    .cloned()
                    .map(|[name, value]| (name, value))
                    .collect()
            })
            .collect()
    }

    /// Stores an item with this attribute.
    pub(crate) fn store(&self, attribute: [&str; 2], secret: &str) -> bool {
        self.secret_tool(&["store", "--label=test"], attribute, secret)
            .status
            .success()
    }

    /// The secret of the item with this attribute.
    pub(crate) fn lookup(&self, attribute: [&str; 2]) -> Option<String> {
        let output = self.secret_tool(&["lookup"], attribute, "");
        let found = output.status.success();
        found.then(|| String::from_utf8(output.stdout).unwrap())
    }

    /// Removes the items with this attribute.
    pub(crate) fn clear(&self, attribute: [&str; 2]) {
        self.secret_tool(&["clear"], attribute, "");
    }

    fn is_running(&self) -> bool {
        let method = format!("{BUS}.NameHasOwner");
        self.call(BUS, "/", &method, &[SERVICE]).contains("true")
    }

    /// Calls a method; returns the result in `GVariant`'s text format.
    fn call(&self, name: &str, path: &str, method: &str, args: &[&str]) -> String {
        let output = self
            .command("gdbus")
            .args(["call", "--session", "--dest", name])
            .args(["--object-path", path, "--method", method])
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{method}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn secret_tool(&self, args: &[&str], attribute: [&str; 2], stdin: &str) -> Output {
        let mut child = self
            .command("secret-tool")
            .args(args)
            .args(attribute)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // It may end without having read.
        let _ = pipe.write_all(stdin.as_bytes());
        drop(pipe);
        child.wait_with_output().unwrap()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("DBUS_SESSION_BUS_ADDRESS", self.address());
        command
    }
}

impl Drop for SecretService {
    fn drop(&mut self) {
        self.stop_keyring();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

/// A session bus that starts no services by itself: the machine's own must not appear on it.
fn bus_config(socket: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        socket.display()
    )
}

/// The strings in a `GVariant`'s text; none contains a quotation mark.
fn strings(text: &str) -> Vec<&str> {
    text.split('\'').skip(1).step_by(2).collect()
}
