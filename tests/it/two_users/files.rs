//! Files and sockets that a configuration names, and that another user owns or can write.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{CONFIG, Squatter, machine};
use crate::support::{
    Upstream,
    namespace::User,
    upstream::respond,
    vault_config::{token_auth, vault_config},
};

/// The token file is ben's or writable by him. Result: an error that names the file; Vault is not
/// asked.
#[tokio::test]
async fn a_secret_file_of_another_user_is_refused() {
    const TOKEN: &str = "/home/ana/token";
    let vault = Upstream::start(respond("200 OK", "application/json", &[], "{}")).await;
    for (owner, mode, reason) in [
        (User::Ben, 0o644, "uid 4243"),
        (User::Ana, 0o660, "0660"),
        (User::Ana, 0o602, "0602"),
    ] {
        let machine = machine();
        machine.write_program(TOKEN, owner, mode, "s.some-token");
        let source = vault_config(&vault.url(), "secret/k", "", &token_auth(TOKEN));
        machine.write(CONFIG, User::Ana, &format!("version = 1\n{source}"));
        let output = machine.helper(User::Ana, &[]);
        output.failed(2, &[TOKEN, reason]);
    }
    assert_eq!(vault.connections(), 0, "{:?}", vault.requests());
}

/// ben listens in the place of a Vault agent's unix socket. Result: no token reaches him.
#[test]
fn a_unix_vault_of_another_user_gets_no_token() {
    for (mode, reason) in [(0o777, "writable by others"), (0o1777, "uid 4243")] {
        let machine = machine();
        machine.directory("/tmp/vault", User::Root, mode);
        machine.write("/home/ana/token", User::Ana, "s.some-token");
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(machine.outside("/home/ana/token"), private).unwrap();
        let squatter = Squatter::start(&machine, "/tmp/vault/agent.sock");
        let address = "unix:///tmp/vault/agent.sock";
        let source = vault_config(address, "secret/k", "", &token_auth("/home/ana/token"));
        machine.write(CONFIG, User::Ana, &format!("version = 1\n{source}"));
        let output = machine.helper(User::Ana, &[]);
        assert_ne!(output.code, Some(0), "{output:?}");
        assert!(output.stderr.contains(reason), "{output:?}");
        squatter.assert_no_byte(&machine);
    }
}
