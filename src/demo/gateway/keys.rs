//! The keys in a request, and whether they authorize it.

use http::{HeaderMap, header::AUTHORIZATION};

use crate::secret::Secret;

/// Every key that a request carries.
///
/// Claude Code sends the same key as bearer token and as `x-api-key`, and gateways differ in which
/// one they check. A value that is not text counts as an empty key, which is never accepted.
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

/// Whether there is at least one key and every key is accepted.
pub(super) fn authorized(keys: &[Secret], accepts: impl Fn(&Secret) -> bool) -> bool {
    !keys.is_empty()
        && keys
            .iter()
            .all(|key| !key.expose().is_empty() && accepts(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorized_with(headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        authorized(&presented(&map), |key| key.expose() == "good")
    }

    #[test]
    fn either_header_is_enough() {
        assert!(authorized_with(&[("authorization", "Bearer good")]));
        assert!(authorized_with(&[("x-api-key", "good")]));
        assert!(authorized_with(&[
            ("authorization", "bearer good"),
            ("x-api-key", "good")
        ]));
    }

    #[test]
    fn a_bad_key_beside_a_good_one_is_refused() {
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
    fn a_request_without_a_key_is_refused() {
        assert!(!authorized_with(&[]));
        assert!(!authorized_with(&[("authorization", "Bearer ")]));
        assert!(!authorized_with(&[("authorization", "Basic good")]));
    }

    #[test]
    fn an_empty_key_is_refused_even_if_it_would_be_accepted() {
        assert!(!authorized(&[Secret::new(String::new())], |_| true));
    }
}
