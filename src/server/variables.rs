//! The variables of a client's environment: which ones it must be asked for.

use std::collections::BTreeSet;

use claviger_wire::{self as wire, Response, Variable, Variables};

use crate::{
    client_variables::{ClientVariables, MAX_NAME_LEN, MAX_VARIABLES, VariablesError},
    secret::Secret,
};

// The configuration is checked for what a request can contain.
const _: () =
    assert!(MAX_VARIABLES == wire::MAX_VARIABLES && MAX_NAME_LEN == wire::MAX_VARIABLE_NAME_LEN);

/// What a request's variables are good for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// All that are needed: the others are not set.
    All(ClientVariables),
    /// The client must be asked: the response.
    Ask(Response),
}

/// Takes the variables `needed` from what a client has sent, and nothing else.
///
/// # Errors
///
/// [`VariablesError`].
pub(super) fn receive(
    needed: &BTreeSet<&str>,
    sent: &Variables,
) -> Result<Received, VariablesError> {
    let Some(first) = needed.first() else {
        return Ok(Received::All(ClientVariables::default()));
    };
    match sent {
        Variables::Unsupported => Err(VariablesError::Unsupported((*first).to_owned())),
        Variables::OnRequest if needed.len() > MAX_VARIABLES => {
            Err(VariablesError::TooMany(needed.len()))
        }
        Variables::OnRequest => {
            let names = needed.iter().map(|name| (*name).to_owned()).collect();
            Ok(Received::Ask(Response::Variables { names }))
        }
        Variables::Sent(variables) => {
            let variables = variables
                .iter()
                .filter(|variable| needed.contains(variable.name.as_str()))
                .map(|variable| Ok((variable.name.clone(), secret(variable)?)));
            Ok(Received::All(variables.collect::<Result<_, _>>()?))
        }
    }
}

fn secret(variable: &Variable) -> Result<Secret, VariablesError> {
    match str::from_utf8(variable.value.expose()) {
        Ok(value) if !value.contains('\0') => Ok(Secret::new(value.to_owned())),
        _ => Err(VariablesError::NotText(variable.name.clone())),
    }
}

#[cfg(test)]
mod tests {
    use claviger_wire::Token;

    use super::*;

    fn sent(variables: &[(&str, &[u8])]) -> Variables {
        let variables = variables.iter().map(|(name, value)| Variable {
            name: (*name).to_owned(),
            value: Token::new(value.to_vec()),
        });
        Variables::Sent(variables.collect())
    }

    fn all(variables: &[(&str, &str)]) -> Received {
        let variables = variables.iter();
        let secret = |value: &str| Secret::new(value.to_owned());
        Received::All(
            variables
                .map(|(name, value)| ((*name).to_owned(), secret(value)))
                .collect(),
        )
    }

    #[test]
    fn a_profile_without_variables_never_asks_and_takes_none() {
        let none = BTreeSet::new();
        for variables in [
            Variables::Unsupported,
            Variables::OnRequest,
            sent(&[("TEAM", b"core")]),
        ] {
            assert_eq!(receive(&none, &variables), Ok(all(&[])));
        }
    }

    #[test]
    fn what_is_needed_is_asked_for_and_nothing_else_is_taken() {
        let needed = BTreeSet::from(["TEAM", "TOKEN"]);
        let names = vec!["TEAM".to_owned(), "TOKEN".to_owned()];
        assert_eq!(
            receive(&needed, &Variables::OnRequest),
            Ok(Received::Ask(Response::Variables { names }))
        );
        assert_eq!(
            receive(&needed, &sent(&[("OTHER", b"x"), ("TEAM", b"core")])),
            Ok(all(&[("TEAM", "core")]))
        );
        // Not set is an answer too: the client is not asked again.
        assert_eq!(receive(&needed, &sent(&[])), Ok(all(&[])));
    }

    #[test]
    fn a_client_that_cannot_answer_is_an_error() {
        let needed = BTreeSet::from(["TEAM"]);
        assert_eq!(
            receive(&needed, &Variables::Unsupported),
            Err(VariablesError::Unsupported("TEAM".to_owned()))
        );
        for value in [&b"a\0b"[..], b"\xff"] {
            assert_eq!(
                receive(&needed, &sent(&[("TEAM", value)])),
                Err(VariablesError::NotText("TEAM".to_owned()))
            );
        }
        let names: Vec<_> = (0..=MAX_VARIABLES).map(|at| format!("V{at}")).collect();
        let many = names.iter().map(String::as_str).collect();
        assert_eq!(
            receive(&many, &Variables::OnRequest),
            Err(VariablesError::TooMany(MAX_VARIABLES + 1))
        );
    }
}
