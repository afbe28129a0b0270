//! The crate's messages as plain values, which the naive decoder returns, too.

use claviger_wire::{Format, LoginFlow, Request, Response, Variables};

/// A message as its kind and the values of its known fields, in the order of their tags.
pub(crate) type Plain = (u8, Vec<Option<Value>>);

#[derive(Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Number(u64),
    /// The values of a repeated field.
    List(Vec<Value>),
    /// A name and a value.
    Pair(String, Vec<u8>),
}

fn text(text: &Option<String>) -> Option<Value> {
    text.clone().map(Value::Text)
}

fn number(number: impl Into<u64>) -> Option<Value> {
    Some(Value::Number(number.into()))
}

fn of_variables(variables: &Variables) -> [Option<Value>; 2] {
    match variables {
        Variables::Unsupported => [number(0_u8), None],
        Variables::OnRequest => [number(1_u8), None],
        Variables::Sent(all) => {
            let pairs = all.iter().map(|variable| {
                Value::Pair(variable.name.clone(), variable.value.expose().to_vec())
            });
            [number(2_u8), Some(Value::List(pairs.collect()))]
        }
    }
}

pub(crate) fn of_request(request: &Request) -> Plain {
    match request {
        Request::Acquire(acquire) => {
            let [state, sent] = of_variables(&acquire.variables);
            let format = match acquire.format {
                Format::Key => 0_u8,
                Format::Headers => 1,
                Format::Json => 2,
                Format::Oauth => 3,
            };
            let fields = vec![
                text(&acquire.profile),
                text(&acquire.gateway),
                number(acquire.cache_lifetime_ms),
                number(format),
                number(acquire.deadline_ms),
                number(acquire.reveal),
                acquire.pid.and_then(number),
                state,
                text(&acquire.client),
                text(&acquire.context),
                sent,
            ];
            (1, fields)
        }
        Request::Status { profile } => (2, vec![text(profile)]),
        Request::Refresh { profile, variables } => {
            let [state, sent] = of_variables(variables);
            (3, vec![text(profile), state, sent])
        }
        Request::Logout { profile } => (4, vec![text(profile)]),
        Request::Stop => (5, vec![]),
        Request::Login(login) => {
            let [state, sent] = of_variables(&login.variables);
            let flow = match login.flow {
                LoginFlow::Configured => 0_u8,
                LoginFlow::Device => 1,
                LoginFlow::NoBrowser => 2,
            };
            (
                6,
                vec![
                    text(&login.profile),
                    number(flow),
                    number(login.force),
                    state,
                    sent,
                ],
            )
        }
        Request::Metrics => (7, vec![]),
        Request::Lock => (8, vec![]),
        Request::Unlock => (9, vec![]),
        Request::Unknown { kind } => (*kind, vec![]),
    }
}

pub(crate) fn of_response(response: &Response) -> Plain {
    match response {
        Response::Credential {
            token,
            expires_at,
            expires_in,
        } => {
            let token = Some(Value::Bytes(token.expose().to_vec()));
            (
                129,
                vec![token, text(expires_at), expires_in.and_then(number)],
            )
        }
        Response::Failure(failure) => {
            // 8 is also what an unknown code is read as.
            let code = number(failure.code.as_byte() % 8);
            let message = text(&Some(failure.message.clone()));
            (130, vec![code, message, text(&failure.hint)])
        }
        Response::Report(json) => (131, vec![text(&Some(json.clone()))]),
        Response::Done => (132, vec![]),
        Response::Unsupported { version } => (133, vec![number(*version)]),
        Response::Variables { names } => {
            let names = names.iter().cloned().map(Value::Text);
            (134, vec![Some(Value::List(names.collect()))])
        }
        Response::Unknown { kind } => (*kind, vec![]),
    }
}
