//! The user and machine that a credential is obtained for.

use std::path::PathBuf;

use crate::client_variables::ClientVariables;

/// The user and machine that a credential is obtained for: what the placeholders of a
/// [`Template`](crate::template::Template) stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    /// `{user}`: the login name.
    pub(crate) user: String,
    /// `{host}`: the machine's name, without its domain.
    pub(crate) host: String,
    /// `~/` in the path of a file: the home directory, if known.
    pub(crate) home: Option<PathBuf>,
    /// `{env:NAME}` and `*_env`.
    pub(crate) variables: ClientVariables,
}

impl Principal {
    /// The user that this process runs as, on this machine, without variables: this process's own
    /// environment is that of the client that happened to start it.
    ///
    /// The login name is the user database's and not `$USER`, which every process can set. A name
    /// that the system does not know is empty, and therefore an error only in a template that uses
    /// it.
    #[must_use]
    pub(crate) fn of_this_machine() -> Self {
        Self {
            user: account_name(&whoami::username().unwrap_or_default()).to_owned(),
            host: host_name(&whoami::hostname().unwrap_or_default()).to_owned(),
            home: std::env::home_dir(),
            variables: ClientVariables::default(),
        }
    }

    /// The same user and machine with a client's variables.
    #[must_use]
    pub(crate) fn with_variables(&self, variables: &ClientVariables) -> Self {
        Self {
            variables: variables.clone(),
            ..self.clone()
        }
    }
}

/// The account name without the domain of Windows' `DOMAIN\user`.
fn account_name(name: &str) -> &str {
    name.rsplit_once('\\').map_or(name, |(_, user)| user)
}

/// The first label of a host name: some systems report the full name, with the domain.
fn host_name(name: &str) -> &str {
    name.split_once('.').map_or(name, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_domain() {
        assert_eq!(account_name("CORP\\ana"), "ana");
        assert_eq!(account_name("ana"), "ana");
        assert_eq!(host_name("laptop-7.corp.example"), "laptop-7");
        assert_eq!(host_name("laptop-7"), "laptop-7");
    }

    #[test]
    fn this_machine_has_a_user_and_no_variables() {
        let principal = Principal::of_this_machine();
        assert!(!principal.user.is_empty());
        assert!(!principal.host.contains('.'));
        assert!(principal.variables.get("PATH").is_none());
    }
}
