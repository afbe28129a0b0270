//! `type = "vault"`.

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use url::Url;

use super::{
    super::{
        duration,
        model::{DEFAULT_WATCH, Engine, VaultAddress, VaultConfig},
        raw,
    },
    Scope, auth, path, timeout,
};
use crate::template::Template;

/// How often a version may be looked at: not oftener than once a second, which for a fleet is a load test of Vault, and
/// not seldomer than once a day, after which nobody would call it watching.
const WATCH: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

/// `[source.NAME]`.
pub(super) fn vault(scope: &mut Scope, raw: raw::Vault) -> Option<VaultConfig> {
    let address = scope.keep("address", address(&raw.address));
    let ca_file = scope.absolute_if_any("ca_file", raw.ca_file);
    let namespace = namespace(scope, raw.namespace);
    let place = place(scope, raw.mount.as_deref(), &raw.path);
    let engine = engine(scope, raw.kv, raw.lease, raw.watch.as_deref());
    let timeout = timeout(scope, raw.timeout);
    let auth = match raw.auth {
        Some(raw) => scope
            .within("auth", |scope| auth::auth(scope, raw))
            .map(Some),
        None => Some(None),
    };
    let (mount, path) = place?;
    Some(VaultConfig {
        address: address?,
        namespace: namespace?,
        ca_file: ca_file?,
        mount,
        path,
        field: raw.field,
        engine: engine?,
        auth: auth?,
        timeout: timeout?,
    })
}

fn address(text: &str) -> Result<VaultAddress, String> {
    const TAKES: &str = "it takes 'https://HOST:PORT', 'http://HOST:PORT' and 'unix:///PATH'";
    if let Some(path) = text.strip_prefix("unix://") {
        return match path.starts_with('/')
            && !path.ends_with('/')
            && !path.contains(['?', '#', '%', '\0'])
        {
            true => Ok(VaultAddress::Unix(PathBuf::from(path))),
            false => Err(format!("is not the absolute path of a socket; {TAKES}")),
        };
    }
    // The address is never quoted: there may be a password in it.
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}; {TAKES}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("has another scheme; {TAKES}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "has a user name or password in it; how to log in is for [source.NAME.auth]".to_owned(),
        );
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("has something after the host and port; {TAKES}"));
    }
    Ok(VaultAddress::Url(url))
}

/// It is sent as a header.
fn namespace(scope: &mut Scope, namespace: Option<String>) -> Option<Option<String>> {
    let Some(namespace) = namespace else {
        return Some(None);
    };
    let trimmed = namespace.trim_end_matches('/');
    let checked = path::plain(trimmed).and_then(|()| match trimmed.is_ascii() {
        true => Ok(Some(trimmed.to_owned())),
        false => Err("has something other than ASCII in it".to_owned()),
    });
    scope.keep("namespace", checked)
}

fn place(scope: &mut Scope, mount: Option<&str>, path: &str) -> Option<(Template, Template)> {
    let Some(mount) = mount else {
        return scope.keep("path", path::split(path));
    };
    let again = path
        .strip_prefix(mount)
        .is_some_and(|rest| rest.starts_with('/'));
    if again {
        scope.refuse(
            "path",
            "starts with the mount point; where there is a 'mount', it takes what follows that",
        );
    }
    let mount = scope.keep("mount", path::template(mount));
    let path = scope.keep("path", path::template(path));
    (!again).then_some(())?;
    Some((mount?, path?))
}

fn engine(scope: &mut Scope, kv: Option<u8>, lease: bool, watch: Option<&str>) -> Option<Engine> {
    let engine = match (kv, lease) {
        (Some(_), true) => {
            scope.refuse("lease", "is true beside 'kv'; it takes one of them");
            return None;
        }
        (None, true) => Engine::Lease,
        (Some(1), false) => Engine::Kv1,
        // The schema's check has seen to it that this is 2.
        (_, false) => {
            let watch = watch.map_or(Ok(Some(DEFAULT_WATCH)), |text| {
                duration::parse_or_off(text, &WATCH)
            });
            return Some(Engine::Kv2 {
                watch: scope.keep("watch", watch)?,
            });
        }
    };
    if watch.is_some_and(|watch| watch != "off") {
        scope.refuse("watch", "looks at versions, which only 'kv = 2' has");
    }
    Some(engine)
}
