//! Which keys the gateway accepts, and how it finds them in a request.

use std::sync::Mutex;

use http::{HeaderMap, header::AUTHORIZATION};

use crate::{secret::Secret, sync};

/// Decides whether a key is good. A closure over `&Secret` will do: the demo's checks a JWT against a public key.
pub trait Verifier: Send + Sync + 'static {
    /// Whether a request with this key is answered.
    fn accepts(&self, key: &Secret) -> bool;
}

impl<F: Fn(&Secret) -> bool + Send + Sync + 'static> Verifier for F {
    fn accepts(&self, key: &Secret) -> bool {
        self(key)
    }
}

/// A list of keys that can be changed while the gateway runs.
#[derive(Debug, Default)]
pub struct Keys(Mutex<Vec<Secret>>);

impl Keys {
    /// Replaces the list.
    pub fn set(&self, keys: impl IntoIterator<Item = Secret>) {
        *self.lock() = keys.into_iter().collect();
    }

    /// Accepts one key more.
    pub fn accept(&self, key: Secret) {
        self.lock().push(key);
    }

    /// Accepts this key no more.
    pub fn revoke(&self, key: &Secret) {
        self.lock().retain(|known| known != key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Secret>> {
        sync::lock(&self.0)
    }
}

impl Verifier for Keys {
    fn accepts(&self, key: &Secret) -> bool {
        self.lock().iter().any(|known| known == key)
    }
}

/// Every key that a request carries: Claude Code sends the same one as bearer and as `x-api-key`, and some gateways look
/// at one, some at the other. What can't be read as text is there as an empty key, which nobody accepts.
pub(super) fn presented(headers: &HeaderMap) -> Vec<Secret> {
    let bearer = headers.get_all(AUTHORIZATION).iter().map(|value| {
        let value = value.to_str().unwrap_or_default();
        let (scheme, key) = value.split_once(' ').unwrap_or_default();
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        Secret::new(if is_bearer {
            key.to_owned()
        } else {
            String::new()
        })
    });
    let api_key = headers.get_all("x-api-key").iter();
    let api_key = api_key.map(|value| Secret::new(value.to_str().unwrap_or_default().to_owned()));
    bearer.chain(api_key).collect()
}

/// Whether there is a key and every one that is there is good: a client that sends two must not get by with one.
pub(super) fn authorized(keys: &[Secret], verifier: &dyn Verifier) -> bool {
    !keys.is_empty()
        && keys
            .iter()
            .all(|key| !key.expose().is_empty() && verifier.accepts(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn authorized_with(headers: &[(&'static str, &'static str)]) -> bool {
        let keys = Keys::default();
        keys.set([secret("good")]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        authorized(&presented(&map), &keys)
    }

    #[test]
    fn either_header_will_do() {
        assert!(authorized_with(&[("authorization", "Bearer good")]));
        assert!(authorized_with(&[("x-api-key", "good")]));
        assert!(authorized_with(&[
            ("authorization", "bearer good"),
            ("x-api-key", "good")
        ]));
    }

    #[test]
    fn a_bad_one_beside_a_good_one_is_refused() {
        assert!(!authorized_with(&[
            ("authorization", "Bearer good"),
            ("x-api-key", "bad")
        ]));
        assert!(!authorized_with(&[
            ("authorization", "Bearer bad"),
            ("x-api-key", "good")
        ]));
    }

    #[test]
    fn none_is_refused() {
        assert!(!authorized_with(&[]));
        assert!(!authorized_with(&[("authorization", "Bearer ")]));
        assert!(!authorized_with(&[("authorization", "Basic good")]));
    }

    #[test]
    fn the_list_can_be_changed() {
        let keys = Keys::default();
        keys.accept(secret("a"));
        keys.accept(secret("b"));
        keys.revoke(&secret("a"));
        assert!(!keys.accepts(&secret("a")));
        assert!(keys.accepts(&secret("b")));
    }

    #[test]
    fn a_closure_is_a_verifier() {
        let verifier = |key: &Secret| key.expose().starts_with("ey");
        assert!(authorized(&[secret("eyJ")], &verifier));
        assert!(!authorized(&[secret("sk-")], &verifier));
    }
}
