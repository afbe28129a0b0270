//! What a stored secret belongs to.

use aws_lc_rs::digest;
#[cfg(any(target_os = "linux", test))]
use url::Url;

use super::hex;
use crate::secret::Fingerprint;

/// How many hex digits of a hash name a secret: two keys do not meet by chance.
const ID_LEN: usize = 32;

/// What a secret belongs to. The secrets of two keys that differ in a field do not mix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StoreKey {
    /// Empty for the user's usual daemon, otherwise the socket of another one.
    pub(crate) instance: String,
    /// The name of the source.
    pub(crate) source: String,
    /// The issuer, as it is written in the configuration.
    pub(crate) issuer: String,
    /// The client's id at the issuer.
    pub(crate) client_id: String,
}

impl StoreKey {
    /// The key of a round trip, which no login has: the name of a source contains no space.
    pub(super) fn of_round_trip(value: &Fingerprint) -> Self {
        Self {
            instance: String::new(),
            source: format!("round trip {value}"),
            issuer: String::new(),
            client_id: String::new(),
        }
    }

    /// What the user sees in a password manager.
    #[cfg(any(target_os = "linux", test))]
    pub(super) fn label(&self) -> String {
        let source = &self.source;
        let issuer = Url::parse(&self.issuer).ok();
        match issuer.as_ref().and_then(Url::host_str) {
            Some(host) => format!("Claviger: login of '{source}' at {host}"),
            None => format!("Claviger: login of '{source}'"),
        }
    }

    /// All fields in one text, which differs between any two keys.
    pub(super) fn context(&self) -> Vec<u8> {
        let Self {
            instance,
            source,
            issuer,
            client_id,
        } = self;
        let mut context = Vec::new();
        for field in [instance, source, issuer, client_id] {
            append(&mut context, field.as_bytes());
        }
        context
    }

    /// A name for stores that know an item by its name alone: 32 hex digits.
    #[cfg(any(not(target_os = "linux"), test))]
    pub(super) fn id(&self) -> String {
        id(&self.context())
    }
}

/// Appends `field` with its length: two lists of fields do not become the same text.
pub(super) fn append(context: &mut Vec<u8>, field: &[u8]) {
    context.extend((field.len() as u64).to_be_bytes());
    context.extend(field);
}

/// A name of 32 hex digits for `context`.
pub(super) fn id(context: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, context);
    hex(&hash.as_ref()[..ID_LEN / 2])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn key(fields: [&str; 4]) -> StoreKey {
        let [instance, source, issuer, client_id] = fields.map(str::to_owned);
        StoreKey {
            instance,
            source,
            issuer,
            client_id,
        }
    }

    #[test]
    fn the_label_names_source_and_host() {
        let label = |issuer| key(["", "sso", issuer, "cli"]).label();
        assert_eq!(
            label("https://idp.example.com/realms/x/"),
            "Claviger: login of 'sso' at idp.example.com"
        );
        assert_eq!(label("no url"), "Claviger: login of 'sso'");
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let keys = [
            key(["", "ab", "c", ""]),
            key(["", "a", "bc", ""]),
            key(["a", "b", "c", ""]),
            key(["", "", "ab", "c"]),
            key(["", "abc", "", ""]),
        ];
        let ids: HashSet<_> = keys.iter().map(StoreKey::id).collect();
        assert_eq!(ids.len(), keys.len());
    }

    #[test]
    fn the_id_is_the_same_in_every_version() {
        // printf '\0\0\0\0\0\0\0\1a' | sha256sum
        let mut context = Vec::new();
        append(&mut context, b"a");
        assert_eq!(id(&context), "3b196fd4907bedf51c3090e9835f2f7c");
    }
}
