//! The claims of a login, and what people see of them.

use serde_json::Value;

use super::{client::OauthClient, record::Record, server::Claims, tokens::Tokens};
use crate::{
    clock::Timestamp,
    config::OauthConfig,
    source::{Login, SourceError, sign_in::NAME_CLAIMS},
};

/// What `claims` say about a user who has signed in at `at`.
pub(super) fn login(claims: &Claims, config: &OauthConfig, at: Timestamp) -> Login {
    let mut login = Login {
        subject: None,
        name: None,
        groups: Vec::new(),
        signed_in_at: at,
        expires_at: None,
        is_renewable: false,
    };
    update(&mut login, claims, config);
    login
}

/// Replaces what `login` has from claims.
pub(super) fn update(login: &mut Login, claims: &Claims, config: &OauthConfig) {
    login.subject = text(claims, "sub");
    login.name = NAME_CLAIMS.into_iter().find_map(|name| text(claims, name));
    let groups = config
        .groups_claim
        .as_ref()
        .and_then(|name| claims.get(name));
    login.groups = match groups {
        Some(Value::String(group)) => vec![group.clone()],
        Some(Value::Array(groups)) => groups
            .iter()
            .filter_map(|group| group.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    };
}

fn text(claims: &Claims, name: &str) -> Option<String> {
    claims.get(name)?.as_str().map(str::to_owned)
}

/// The claims that a refresh brought for the login `record`; `None` if it brought none.
///
/// # Errors
///
/// [`SourceError`] if the ID token is invalid, or another user's (OpenID Connect Core 1.0, section
/// 12.2).
pub(super) async fn renewed_claims(
    client: &OauthClient,
    tokens: &Tokens,
    record: &Record,
) -> Result<Option<Claims>, SourceError> {
    let Some(id_token) = &tokens.id_token else {
        return Ok(None);
    };
    let claims = client.server.verify(id_token, None).await?;
    match (&record.login.subject, claims.get("sub")) {
        (Some(subject), Some(Value::String(other))) if subject != other => {
            Err(SourceError::Unusable {
                host: client.host().to_owned(),
                field: "id_token".to_owned(),
                reason: "is another user's ('sub') than the login's".to_owned(),
            })
        }
        _ => Ok(Some(claims)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::config, *};

    fn of(claims: Value, keys: &str) -> Login {
        let Value::Object(claims) = claims else {
            panic!("expected an object");
        };
        login(&claims, &config(keys), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_name_is_the_best_one_that_there_is() {
        let all = json!({"sub": "1", "preferred_username": "ada", "email": "a@x", "name": "Ada L"});
        assert_eq!(of(all, "").name.unwrap(), "ada");
        let some = json!({"sub": "1", "preferred_username": 7, "email": "a@x", "name": "Ada L"});
        assert_eq!(of(some, "").name.unwrap(), "a@x");
        assert_eq!(of(json!({"name": "Ada L"}), "").name.unwrap(), "Ada L");
        assert_eq!(of(json!({"sub": "1"}), "").name, None);
    }

    #[test]
    fn groups_are_those_of_the_configured_claim() {
        let claims = json!({"groups": ["a", 1, "b"], "role": "dev"});
        assert!(of(claims.clone(), "").groups.is_empty());
        let groups = |name: &str| of(claims.clone(), &format!("groups_claim = '{name}'")).groups;
        assert_eq!(groups("groups"), ["a", "b"]);
        assert_eq!(groups("role"), ["dev"]);
        assert!(groups("other").is_empty());
    }
}
