//! The packages: those of Linux are installed in throwaway roots, that of Windows under Wine.
//! `tests/run packages` builds them first.

mod ansible;
mod company;
mod content;
mod first_turn;
mod homebrew;
mod lifecycle;
mod lint;
mod macos;
mod msi;
mod package;
mod root;
mod tarball;
mod winget;

use serde_json::{Value, json};

use self::root::Root;
use crate::support::{
    Bao,
    namespace::User,
    vault_config::{token_auth, vault_config},
};

/// The programs as the packages install them.
const CLAVIGER: &str = "/usr/bin/claviger";
const HELPER: &str = "/usr/bin/claviger-helper";

/// The last line of a demo that has passed.
const DEMO_PASSED: &str = "the daemon and the gateway have ended and all files are removed";

/// Gives `user` a configuration with the key at `secret/k` of `bao`.
async fn configure(root: &Root, user: User, bao: &Bao) {
    let home = format!("/home/{user:?}").to_lowercase();
    let token = bao.create_token(json!({})).await;
    let file = format!("{home}/.config/claviger/token");
    root.write(&file, user, &token);
    let config = vault_config(&bao.url(), "secret/k", "", &token_auth(&file));
    let config = format!("version = 1\n{config}");
    root.write(
        &format!("{home}/.config/claviger/config.toml"),
        user,
        &config,
    );
}

/// The id of `user`'s daemon, in the root.
fn daemon_pid(root: &Root, user: User) -> Option<u64> {
    let status = root.run(user, CLAVIGER, &["status", "--json"]);
    let status: Value = serde_json::from_str(&status.stdout).ok()?;
    status["daemon"]["pid"].as_u64()
}
