//! Glewlwyd's process, its database and its configuration.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::Glewlwyd;
use crate::support::{
    poll::{SOON, until},
    tools::tool,
};

impl Glewlwyd {
    pub(super) async fn until_ready(&mut self) {
        let url = format!("http://127.0.0.1:{}/config", self.port);
        until("Glewlwyd is up", SOON, async || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "Glewlwyd has ended");
            let response = self.client.get(&url).send().await;
            response.is_ok_and(|response| response.status().is_success())
        })
        .await;
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

/// Creates the database of a new installation.
pub(super) fn create_database(directory: &Path) {
    let tables = installation().join("share/doc/glewlwyd/database/init.sqlite3.sql");
    let created = Command::new("sqlite3")
        .arg(directory.join("database"))
        // A commit of each table costs seconds.
        .args(["-cmd", "PRAGMA synchronous = OFF"])
        .stdin(File::open(tables).unwrap())
        .output()
        .unwrap();
    assert!(created.status.success(), "{created:?}");
}

/// Starts the server; `url` is the front's.
pub(super) fn spawn(directory: &Path, port: u16, url: &str) -> Child {
    let config = directory.join("config");
    fs::write(&config, configuration(directory, port, url)).unwrap();
    let log = File::create(directory.join("log")).unwrap();
    Command::new(tool("glewlwyd"))
        .arg("--config-file")
        .arg(config)
        .env_clear()
        .env("HOME", directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn configuration(directory: &Path, port: u16, url: &str) -> String {
    let directory = directory.display();
    let installation = installation();
    let installation = installation.display();
    format!(
        r#"port = {port}
bind_address = "127.0.0.1"
external_url = "{url}"
login_url = "login.html"
api_prefix = "api"
static_files_path = "{installation}/share/glewlwyd/webapp/"
log_mode = "console"
log_level = "INFO"
cookie_domain = "127.0.0.1"
cookie_secure = 0
cookie_same_site = "empty"
session_expiration = 86400
session_key = "GLEWLWYD"
admin_session_authentication = "cookie"
profile_session_authentication = "cookie"
login_api_enabled = true
admin_scope = "g_admin"
profile_scope = "g_profile"
user_module_path = "{installation}/lib/glewlwyd/user"
client_module_path = "{installation}/lib/glewlwyd/client"
user_auth_scheme_module_path = "{installation}/lib/glewlwyd/scheme"
plugin_module_path = "{installation}/lib/glewlwyd/plugin"
hash_algorithm = "SHA512"
database = {{
  type = "sqlite3"
  path = "{directory}/database"
}};
static_files_mime_types = (
  {{ extension = ".html", mime_type = "text/html", compress = 0 }},
  {{ extension = ".css", mime_type = "text/css", compress = 0 }},
  {{ extension = ".js", mime_type = "application/javascript", compress = 0 }},
  {{ extension = ".json", mime_type = "application/json", compress = 0 }}
)
"#
    )
}

/// The directory `usr` of the unpacked package.
fn installation() -> PathBuf {
    let program = tool("glewlwyd").canonicalize().unwrap();
    program.ancestors().nth(2).unwrap().to_owned()
}
