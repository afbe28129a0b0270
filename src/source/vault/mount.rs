//! Why a read has found nothing: another engine than the configured one is mounted there, or the
//! path is that of the API.
//!
//! For both, Vault's answer is the one for a secret that does not exist or that the token may not
//! read. A token that may read anything below a mount point may also ask for its type. See
//! <https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts>.

use serde::Deserialize;

use super::{
    location::SecretLocation,
    request::MountRequest,
    response,
    session::VaultSession,
    token::{self, TokenLife},
};
use crate::{
    config::Engine,
    network::{ForeignText, RequestSecrets},
    source::SourceError,
};

/// What a source expects at its mount point.
pub(super) struct ExpectedMount {
    /// The name of the source.
    source: String,
    engine: Engine,
}

/// The `data` of a mount point.
#[derive(Deserialize)]
struct MountPoint {
    #[serde(rename = "type")]
    kind: String,
    options: Option<MountOptions>,
}

#[derive(Deserialize)]
struct MountOptions {
    version: Option<String>,
}

/// What is mounted.
#[derive(Debug, PartialEq, Eq)]
enum Mounted {
    Kv1,
    Kv2,
    /// An engine of this other type.
    Other(String),
}

impl ExpectedMount {
    pub(super) fn new(source: &str, engine: Engine) -> Self {
        Self {
            source: source.to_owned(),
            engine,
        }
    }

    /// Returns `error`, which a read of `location` has ended in, or the cause that is behind it.
    pub(super) async fn explain(
        &self,
        session: &VaultSession,
        location: &SecretLocation,
        error: SourceError,
    ) -> SourceError {
        if !matches!(
            error,
            SourceError::Missing { .. } | SourceError::Denied { .. }
        ) {
            return error;
        }
        let mount = &location.mount;
        let mismatch = match mounted(session, mount).await {
            Some(mounted) => self.mismatch(session.host(), mount, &mounted),
            None => None,
        };
        mismatch.unwrap_or_else(|| self.with_note(&location.path, error))
    }

    fn mismatch(&self, host: &str, mount: &str, mounted: &Mounted) -> Option<SourceError> {
        let expected = match self.engine {
            Engine::Kv1 => "KV version 1",
            Engine::Kv2 { .. } => "KV version 2",
            Engine::Lease => "an engine that issues leases",
        };
        let (found, keys) = match (self.engine, mounted) {
            (Engine::Kv2 { .. }, Mounted::Kv1) => ("KV version 1".to_owned(), "set 'kv = 1'"),
            (Engine::Kv1, Mounted::Kv2) => ("KV version 2".to_owned(), "set 'kv = 2'"),
            (Engine::Lease, Mounted::Kv2) => (
                "KV version 2".to_owned(),
                "set 'kv = 2' instead of 'lease = true'",
            ),
            (Engine::Kv1 | Engine::Kv2 { .. }, Mounted::Other(kind)) => (
                format!("an engine of type '{kind}'"),
                "set 'lease = true' instead of 'kv'",
            ),
            _ => return None,
        };
        Some(SourceError::Configuration {
            reason: format!(
                "the mount point '{mount}' on '{host}' is {found}, but the source expects {expected}"
            ),
            hint: format!("{keys} in [source.{}]", self.source),
        })
    }

    /// Adds to `error` that the path is one of the API, if it looks so.
    fn with_note(&self, path: &str, mut error: SourceError) -> SourceError {
        let part = path.split('/').next().unwrap_or_default();
        if !matches!(self.engine, Engine::Kv2 { .. }) || !matches!(part, "data" | "metadata") {
            return error;
        }
        if let SourceError::Missing { reason, .. } | SourceError::Denied { reason, .. } = &mut error
        {
            reason.push_str(&format!(
                "; write 'path' without the '{part}/' of Vault's API"
            ));
        }
        error
    }
}

/// Asks what is mounted at `mount`; `None` if there is no answer.
async fn mounted(session: &VaultSession, mount: &str) -> Option<Mounted> {
    let token = session.current_token().await;
    if token
        .as_ref()
        .is_some_and(|token| token.life == TokenLife::Limited)
    {
        return None;
    }
    let request = MountRequest { mount };
    let (body, _) = session.call(token.as_ref(), request).await.ok()?;
    let point = response::parse::<MountPoint>(&body).ok()?.data?;
    Some(point.mounted(&token::secrets(token.as_ref())))
}

impl MountPoint {
    /// What is mounted, from the response to a request with `secrets`.
    fn mounted(self, secrets: &RequestSecrets) -> Mounted {
        let version = self.options.and_then(|options| options.version);
        match (self.kind.as_str(), version.as_deref()) {
            ("kv", Some("2")) => Mounted::Kv2,
            // `generic` is the old name; a cubbyhole is read in the same way.
            ("kv" | "generic" | "cubbyhole", _) => Mounted::Kv1,
            (other, _) => Mounted::Other(ForeignText::new(other).clean(secrets)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn expected(engine: Engine) -> ExpectedMount {
        ExpectedMount::new("team", engine)
    }

    fn mounted(json: &str) -> Mounted {
        let secrets = [Secret::new("hvs.CAESIJ-4f+k/9".to_owned())];
        let point = serde_json::from_str::<MountPoint>(json).unwrap();
        point.mounted(&secrets.into_iter().collect())
    }

    #[test]
    fn another_engine_is_named_with_the_key_to_set() {
        let kv1 = [
            r#"{"type":"kv","options":null}"#,
            r#"{"type":"kv","options":{}}"#,
            r#"{"type":"kv","options":{"version":"1"},"path":"kv/"}"#,
            r#"{"type":"cubbyhole"}"#,
        ];
        for json in kv1 {
            assert_eq!(mounted(json), Mounted::Kv1, "{json}");
        }
        let kv2 = mounted(r#"{"type":"kv","options":{"version":"2"}}"#);
        let database = mounted(r#"{"type":"database"}"#);
        let of_kv2 = Engine::Kv2 { watch: None };
        for (engine, mounted, found, key) in [
            (of_kv2, &Mounted::Kv1, "KV version 1", "'kv = 1'"),
            (Engine::Kv1, &kv2, "KV version 2", "'kv = 2'"),
            (Engine::Lease, &kv2, "KV version 2", "'kv = 2'"),
            (of_kv2, &database, "type 'database'", "'lease = true'"),
            (Engine::Kv1, &database, "type 'database'", "'lease = true'"),
        ] {
            match expected(engine).mismatch("v", "kv", mounted) {
                Some(SourceError::Configuration { reason, hint }) => {
                    assert!(reason.contains(found), "{reason}");
                    assert!(
                        hint.contains(key) && hint.contains("[source.team]"),
                        "{hint}"
                    );
                }
                other => panic!("{engine:?}: {other:?}"),
            }
        }
        for (engine, mounted) in [
            (of_kv2, &kv2),
            (Engine::Kv1, &Mounted::Kv1),
            (Engine::Lease, &database),
            (Engine::Lease, &Mounted::Kv1),
        ] {
            assert_eq!(expected(engine).mismatch("v", "kv", mounted), None);
        }
    }

    #[test]
    fn the_type_of_an_engine_repeats_no_secret_of_the_request() {
        match mounted(r#"{"type":"hvs.CAESIJ-4f+k/9"}"#) {
            Mounted::Other(kind) => assert!(kind.starts_with("(omitted"), "{kind}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_path_of_the_api_is_noted() {
        let note = |path: &str, engine| {
            let error = SourceError::Missing {
                host: "v".to_owned(),
                path: String::new(),
                reason: "404".to_owned(),
            };
            expected(engine).with_note(path, error).to_string()
        };
        let of_kv2 = Engine::Kv2 { watch: None };
        for (path, part) in [("data/team", "data/"), ("metadata/a/b", "metadata/")] {
            let message = note(path, of_kv2);
            assert!(
                message.contains(&format!("without the '{part}'")),
                "{message}"
            );
        }
        for (path, engine) in [
            ("team/data/x", of_kv2),
            ("database/x", of_kv2),
            ("data/team", Engine::Kv1),
        ] {
            assert!(!note(path, engine).contains("without"), "{path}");
        }
    }
}
