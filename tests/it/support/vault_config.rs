//! Configurations of a key in Vault.

/// A configuration whose only profile has the field `api_key` at `path` of the Vault at `address`.
/// `more` are further lines of the source's table, `auth` is the content of its table `auth`.
pub(crate) fn vault_config(address: &str, path: &str, more: &str, auth: &str) -> String {
    format!(
        "[profile.default]\nsource = \"vault\"\n{}",
        vault_source("vault", address, path, more, auth)
    )
}

/// The table of the source `name`; see [`vault_config`].
pub(crate) fn vault_source(
    name: &str,
    address: &str,
    path: &str,
    more: &str,
    auth: &str,
) -> String {
    format!(
        r#"
[source.{name}]
type = "vault"
address = "{address}"
path = "{path}"
field = "api_key"
{more}
auth = {{ {auth} }}
"#
    )
}

/// The content of an `auth` table for a token in a file.
pub(crate) fn token_auth(token_file: &str) -> String {
    format!("method = \"token\", token_file = \"{token_file}\"")
}

/// The content of an `auth` table for an approle.
pub(crate) fn approle_auth(role_id: &str, secret_id_file: &str) -> String {
    format!("method = \"approle\", role_id = \"{role_id}\", secret_id_file = \"{secret_id_file}\"")
}

/// The content of an `auth` table for the user `ana` of userpass.
pub(crate) fn userpass_auth(password_file: &str) -> String {
    format!("method = \"userpass\", username = \"ana\", password_file = \"{password_file}\"")
}
