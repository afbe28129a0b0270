//! The environment: the variables that lead to the daemon, and the user's directories.

use std::path::{Path, PathBuf};

use claviger_wire::{
    client::{owner, place_variables, user},
    paths::{BASE_VARIABLES, DaemonPaths, Machine, Owner, PATH_VARIABLES, PathError, System},
};

use super::system;
use crate::{
    config,
    doctor::{
        Context,
        check::Check,
        finding::{Finding, Severity},
    },
    paths::variable,
};

/// The socket's path does not fit an address.
pub(super) const SOCKET_PATH: Check = super::check_of(
    Severity::Fatal,
    "machine.socket-path-long",
    "the path of the socket is too long for an address",
);

/// The places are not known.
pub(super) const PLACES: Check = super::check_of(
    Severity::Fatal,
    "machine.places-unknown",
    "a variable names a place that is invalid or unsafe, or none leads to a socket",
);

/// The user database does not know the user.
pub(super) const NO_ACCOUNT: Check = super::check_of(
    Severity::Warning,
    "machine.user-unknown",
    "the user database has no entry for the user",
);

/// Set variables do not count.
pub(super) const IGNORED: Check = super::check_of(
    Severity::Warning,
    "machine.variable-ignored",
    "a variable that names a place is set and does not count",
);

/// Set variables choose something else than the usual.
pub(super) const OVERRIDDEN: Check = super::check_of(
    Severity::Note,
    "machine.variable-override",
    "a variable of Claviger is set: clients without it behave otherwise",
);

/// The runtime directory is another user's.
pub(super) const FOREIGN_RUNTIME_DIR: Check = super::check_of(
    Severity::Warning,
    "machine.runtime-dir-foreign",
    "'XDG_RUNTIME_DIR' is not a directory of the user's alone",
);

/// There is no runtime directory.
pub(super) const NO_RUNTIME_DIR: Check = super::check_of(
    Severity::Note,
    "machine.runtime-dir-missing",
    "the system has made no runtime directory for the user",
);

/// Other users can write new files.
pub(super) const UMASK: Check = super::check_of(
    Severity::Warning,
    "machine.umask",
    "the umask lets other users write new files",
);

/// This is Linux in Windows.
pub(super) const WSL: Check = super::check_of(
    Severity::Note,
    "machine.wsl",
    "this is WSL, where Claude Code reads the policies of Windows only if one says so",
);

/// The variables of the shim and the daemon that choose no place.
const OTHER_VARIABLES: [&str; 3] = ["CLAVIGER_LOG", "CLAVIGER_PROFILE", "CLAVIGER_TIMEOUT_MS"];

/// What was observed.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Whether the user database has an entry for the user.
    pub(super) has_account: bool,
    /// Why the places are not known: the message and the hint.
    pub(super) places: Option<(String, String)>,
    /// Why there is no path of a socket.
    pub(super) path: Option<PathError>,
    /// The variables that are set, of those that matter.
    pub(super) set: Vec<&'static str>,
    /// Those of them that do not count.
    pub(super) ignored: Vec<&'static str>,
    /// Whether the system gives its users runtime directories.
    pub(super) has_runtime_dirs: bool,
    /// The directory that `XDG_RUNTIME_DIR` names, with its owner.
    pub(super) named_runtime_dir: Option<(PathBuf, Owner)>,
    /// The runtime directory in use.
    pub(super) runtime_dir: Option<PathBuf>,
    /// The socket.
    pub(super) socket: Option<PathBuf>,
    /// The permissions that new files lack.
    pub(super) umask: Option<u32>,
    /// The release of the kernel.
    pub(super) kernel: String,
}

/// Looks at the variables and the directories that they name.
pub(super) fn observe(context: &Context<'_>) -> Facts {
    let names = PATH_VARIABLES
        .into_iter()
        .chain(BASE_VARIABLES)
        .chain(OTHER_VARIABLES);
    let named = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let places = context.places;
    Facts {
        has_account: context.account.is_some(),
        places: places.err().map(|failure| {
            let hint = failure.hint.clone().unwrap_or_default();
            (failure.message.clone(), hint)
        }),
        path: path_error(context),
        set: names.filter(|name| variable(name).is_some()).collect(),
        ignored: places.map_or_else(|_| Vec::new(), |places| places.ignored.clone()),
        has_runtime_dirs: system::has_runtime_dirs(),
        named_runtime_dir: named.map(|dir| (dir.clone(), owner(&dir))),
        runtime_dir: places.ok().and_then(|places| places.runtime_dir.clone()),
        socket: places.ok().and_then(|places| places.daemon.socket.clone()),
        umask: system::umask(),
        kernel: system::kernel(),
    }
}

/// Why the variables lead to no socket, in the form before it is a failure's text.
fn path_error(context: &Context<'_>) -> Option<PathError> {
    let machine = Machine {
        system: System::HERE,
        user: &user().ok()?,
        host: &claviger_wire::client::host_name,
    };
    let is_managed = config::forbids_overrides(context.locations);
    let variables = place_variables(is_managed).ok()?;
    DaemonPaths::new(&machine, &variables).err()
}

/// Checks the environment.
pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    [
        places(facts),
        account(facts),
        ignored(facts),
        overridden(facts),
        foreign_runtime_dir(facts),
        no_runtime_dir(facts),
        umask(facts),
        wsl(facts),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn places(facts: &Facts) -> Option<Finding> {
    if let Some(error @ PathError::TooLong { socket, len, limit }) = &facts.path {
        let seen = format!(
            "'{}' has {len} bytes; at most {limit} fit",
            socket.display()
        );
        let problem = "the path of the socket is too long";
        return Some(SOCKET_PATH.found(problem, [seen], error.hint()));
    }
    let (message, hint) = facts.places.as_ref()?;
    let problem = "the places of the daemon are not known";
    Some(PLACES.found(problem, [message.clone()], hint))
}

fn account(facts: &Facts) -> Option<Finding> {
    let problem = "the user database has no entry for this user";
    let remedy = "repair the name service (SSSD, LDAP), or add the user: name and home are unknown";
    (!facts.has_account).then(|| NO_ACCOUNT.found(problem, [], remedy))
}

fn ignored(facts: &Facts) -> Option<Finding> {
    let names: Vec<_> = facts.ignored.iter().map(|name| quoted(name)).collect();
    let problem = format!("{} set and ignored", is_or_are(&names)?);
    let why = "a managed configuration is in force, or a daemon at the usual place is used, whose \
               places a client cannot choose";
    let remedy = "unset them; with a CLAVIGER_SOCKET of its own a daemon may have other places";
    Some(IGNORED.found(problem, [why.to_owned()], remedy))
}

fn overridden(facts: &Facts) -> Option<Finding> {
    let is_own = |name: &&&str| name.starts_with("CLAVIGER_") && !facts.ignored.contains(name);
    let names = facts.set.iter().filter(is_own);
    let names: Vec<_> = names.map(|name| quoted(name)).collect();
    let problem = format!("{} set in this environment", is_or_are(&names)?);
    let evidence = facts.socket.as_ref();
    let evidence = evidence.map(|socket| format!("the socket is '{}'", socket.display()));
    let remedy = "check that the client's own environment has the same, or unset them";
    Some(OVERRIDDEN.found(problem, evidence, remedy))
}

fn foreign_runtime_dir(facts: &Facts) -> Option<Finding> {
    let (directory, owner) = facts.named_runtime_dir.as_ref()?;
    let seen = match owner {
        Owner::User {
            others_write: false,
        } => return None,
        Owner::User { .. } => "other users can write it".to_owned(),
        Owner::Other(uid) => format!("its owner is uid {uid}"),
        Owner::Unknown => "it is not a directory that can be looked at".to_owned(),
    };
    if !facts.has_runtime_dirs {
        return None;
    }
    let problem = format!(
        "'XDG_RUNTIME_DIR' names '{}', which is not the user's alone and does not count",
        directory.display()
    );
    let remedy = "log in as this user (su - instead of su, or machinectl shell), or unset it";
    Some(FOREIGN_RUNTIME_DIR.found(problem, [seen], remedy))
}

fn no_runtime_dir(facts: &Facts) -> Option<Finding> {
    if !facts.has_runtime_dirs || facts.runtime_dir.is_some() {
        return None;
    }
    let socket = facts.socket.as_deref().unwrap_or(Path::new(""));
    let problem = "the system has made no runtime directory for this user";
    let seen = format!("the socket is '{}'", socket.display());
    let remedy =
        "nothing, if this is a container or a server without logind; otherwise log in anew";
    Some(NO_RUNTIME_DIR.found(problem, [seen], remedy))
}

fn umask(facts: &Facts) -> Option<Finding> {
    /// The permission of others to write.
    const OTHERS_WRITE: u32 = 0o002;
    let umask = facts.umask.filter(|umask| umask & OTHERS_WRITE == 0)?;
    let problem = "the umask lets other users write the files that this user makes";
    let remedy = "set a umask of 022 or 077: what others can write is refused as a configuration";
    Some(UMASK.found(problem, [format!("umask {umask:04o}")], remedy))
}

fn wsl(facts: &Facts) -> Option<Finding> {
    if !facts.kernel.to_ascii_lowercase().contains("microsoft") {
        return None;
    }
    let problem = "this is WSL: Claude Code in it ignores the policies of Windows";
    let seen = format!("the kernel is {}", facts.kernel);
    let remedy = "set 'wslInheritsWindowsSettings' in Windows's managed settings, or install \
                  managed settings in WSL too";
    Some(WSL.found(problem, [seen], remedy))
}

fn quoted(name: &str) -> String {
    format!("'{name}'")
}

/// `'A' is`, `'A' and 'B' are`; `None` without names.
fn is_or_are(names: &[String]) -> Option<String> {
    match names {
        [] => None,
        [one] => Some(format!("{one} is")),
        [first @ .., last] => Some(format!("{} and {last} are", first.join(", "))),
    }
}
