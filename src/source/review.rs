//! Reviews what a configuration names: every file is read as a source will read it, so that the
//! review finds what the daemon refuses.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{SourceError, secret_input::SecretInput};
use crate::{
    config::{
        self, Config, ConfigError, FilePath, Finding, Named, NamedThing, Review, Severity,
        SourceConfig,
    },
    named_file,
    principal::Principal,
    secret::Secret,
    template::{ResolveError, Template},
    trust::{self, Ruling, TrustError},
};

/// What a finding about a secret's file says that other users can read.
pub(crate) const READABLE_BY_OTHERS: &str = "is readable by others";

/// Reviews `config` as the daemon of this user reads it: what its values say, and what they name.
/// `env` returns the variables of a client.
///
/// # Errors
///
/// [`ConfigError`]: the file was removed or changed since it was loaded.
pub(crate) fn findings(
    config: &Config,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Finding>, ConfigError> {
    let text = config::text(config)?;
    let mut found = Review::new(&text, config)?;
    let of_sources = config.sources.keys();
    let of_sources = of_sources.flat_map(|source| config.source_variables(source));
    let of_profiles = config.profiles.keys();
    let of_profiles = of_profiles.flat_map(|profile| config.client_variables(profile));
    let names = of_sources.chain(of_profiles);
    let set = |name: &str| Some((name.to_owned(), Secret::new(env(name)?)));
    let variables = names.filter_map(set).collect();
    let principal = Principal::of_this_machine().with_variables(&variables);
    review(config, &principal, &mut found);
    Ok(found.into_findings())
}

/// Reviews the files, programs and variables that `config` names, for the user and with the
/// variables of `principal`.
fn review(config: &Config, principal: &Principal, review: &mut Review<'_>) {
    for Named { key, what } in review.named() {
        let (severity, problem) = match inspect(&key, &what, principal) {
            Ok(None) => continue,
            Ok(Some(warning)) => (Severity::Warning, warning),
            Err(problem) => (severity(config, &key, &problem), problem.text()),
        };
        review.add(severity, key, &problem);
    }
}

/// Why a source cannot use what is named.
enum Unfit {
    /// A placeholder has no value in this environment. The client's may have one.
    Unresolved(ResolveError),
    /// It does not exist; whether its path is another one for another user.
    Missing { text: String, depends: bool },
    /// The source refuses it.
    Refused(String),
}

impl Unfit {
    fn text(self) -> String {
        match self {
            Self::Unresolved(error) => error.to_string(),
            Self::Missing { text, .. } | Self::Refused(text) => text,
        }
    }
}

/// What the daemon refuses is an error, unless it may be right for another user or at another time.
fn severity(config: &Config, key: &[String], unfit: &Unfit) -> Severity {
    let is_wrapped = || {
        // A used wrapping token may be deleted.
        let [.., source, _, name] = key else {
            return false;
        };
        name == "secret_id_file"
            && config
                .sources
                .get(source)
                .is_some_and(SourceConfig::is_wrapped)
    };
    match unfit {
        Unfit::Unresolved(ResolveError::NotSet(_)) => Severity::Warning,
        Unfit::Missing { depends, .. } if (*depends && config.is_managed) || is_wrapped() => {
            Severity::Warning
        }
        _ => Severity::Error,
    }
}

/// Returns a warning, if any.
fn inspect(
    key: &[String],
    what: &NamedThing,
    principal: &Principal,
) -> Result<Option<String>, Unfit> {
    match what {
        NamedThing::PublicFile(path) => {
            let path = resolve(path, principal)?;
            read(&path, |path| Ok(named_file::read_public(path).map(drop)?))?;
            Ok(None)
        }
        NamedThing::SecretFile(path) => {
            let path = resolve(path, principal)?;
            let name = key.last().map_or("", String::as_str);
            read(&path, |path| {
                let input = SecretInput::File(path.to_owned());
                match name {
                    "key_file" => input.read_bytes().map(drop),
                    name if name.ends_with("password_file") => input.read_password().map(drop),
                    _ => input.read().map(drop),
                }
            })?;
            Ok(match named_file::ruling(&path.path) {
                Ok(Ruling::ReadableByOthers { mode }) => Some(format!(
                    "'{}' {READABLE_BY_OTHERS} (mode {mode:04o})",
                    path.path.display()
                )),
                _ => None,
            })
        }
        NamedThing::Program(program) => {
            let path = resolve_template(program, principal)?;
            check_program(Path::new(&path)).map(|()| None)
        }
        NamedThing::Variable(name) if principal.variables.get(name).is_none() => Ok(Some(
            "the variable is not set in this environment".to_owned(),
        )),
        NamedThing::Variable(_) => Ok(None),
    }
}

/// A resolved path.
struct Resolved {
    path: PathBuf,
    /// Whether it is another one for another user.
    depends: bool,
}

fn resolve(path: &FilePath, principal: &Principal) -> Result<Resolved, Unfit> {
    Ok(Resolved {
        path: path.resolve(principal).map_err(Unfit::Unresolved)?,
        depends: path.depends_on_user(),
    })
}

fn resolve_template(template: &Template, principal: &Principal) -> Result<String, Unfit> {
    template.resolve(principal).map_err(Unfit::Unresolved)
}

fn read(file: &Resolved, read: impl FnOnce(&Path) -> Result<(), SourceError>) -> Result<(), Unfit> {
    read(&file.path).map_err(|error| {
        let text = error.to_string();
        let text = text.strip_prefix("the file ").unwrap_or(&text).to_owned();
        match file.path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Unfit::Missing {
                text,
                depends: file.depends,
            },
            _ => Unfit::Refused(text),
        }
    })
}

/// Checks that `path` is a program that only the user and root can write.
fn check_program(path: &Path) -> Result<(), Unfit> {
    let refused = |what: &str| Err(Unfit::Refused(format!("'{}' {what}", path.display())));
    match trust::program(path) {
        Ok(()) => {}
        Err(TrustError::Violation(violation)) => {
            return Err(Unfit::Refused(violation.to_string()));
        }
        Err(TrustError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            return refused("does not exist");
        }
        Err(TrustError::Io(error)) => return refused(&format!("cannot be run: {error}")),
    }
    match is_executable(path) {
        true => Ok(()),
        false => refused("is not executable by this user"),
    }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Whether Windows runs a file depends on its name.
#[cfg(windows)]
fn is_executable(_: &Path) -> bool {
    true
}
