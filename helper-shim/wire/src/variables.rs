//! The variables of the client's environment in a request: fields 8 and 16.
//!
//! The daemon names the variables that a profile needs; the client sends those of them that are set
//! in the same request again, and no others.

use crate::{
    DecodeError, Token, Variable, Variables,
    frame::{FIELD_START, Fields, REPEATED, fits, frame},
};

/// The tag of the field that says whether there are variables.
const STATE: u8 = 8;
const ON_REQUEST: u8 = 1;
const SENT: u8 = 2;

/// Variables as the values of fields. They are wiped when they are dropped.
pub(crate) struct VariableFields {
    state: Option<u8>,
    variables: Vec<Token>,
}

impl VariableFields {
    pub(crate) fn new(variables: &Variables) -> Self {
        let (state, variables) = match variables {
            Variables::Unsupported => (None, &[][..]),
            Variables::OnRequest => (Some(ON_REQUEST), &[][..]),
            Variables::Sent(variables) => (Some(SENT), variables.as_slice()),
        };
        let variables = variables.iter().map(Variable::encode).collect();
        Self { state, variables }
    }

    /// Encodes a frame with `fields` and these. If it would be too long, it is encoded as a request
    /// without variables, which the daemon answers by asking for them again.
    pub(crate) fn frame<'a>(&'a self, kind: u8, mut fields: Vec<(u8, &'a [u8])>) -> Vec<u8> {
        let others = fields.len();
        let state = self.state.as_ref().map(std::slice::from_ref);
        fields.extend(state.map(|state| (STATE, state)));
        let variables = self.variables.iter();
        fields.extend(variables.map(|variable| (REPEATED, variable.expose())));
        if !fits(&fields) {
            fields.truncate(others);
            fields.push((STATE, &[ON_REQUEST]));
        }
        frame(kind, &fields)
    }
}

impl Variables {
    /// How many bytes the variables add to a frame. A request with more of them than fit a frame is
    /// encoded without any.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let Self::Sent(variables) = self else {
            return 0;
        };
        let len = |variable: &Variable| variable.name.len() + 1 + variable.value.expose().len();
        variables
            .iter()
            .map(|variable| FIELD_START + len(variable))
            .sum()
    }

    pub(crate) fn decode(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(match fields.byte(usize::from(STATE), "variables")? {
            None | Some(0) => Self::Unsupported,
            Some(SENT) => {
                let variables = fields.repeated().iter();
                let variables = variables.map(|value| Variable::decode(value));
                Self::Sent(variables.collect::<Result<_, _>>()?)
            }
            Some(_) => Self::OnRequest,
        })
    }
}

impl Variable {
    /// `NAME=VALUE`, in memory that does not grow.
    fn encode(&self) -> Token {
        let (name, value) = (self.name.as_bytes(), self.value.expose());
        let mut bytes = Vec::with_capacity(name.len() + 1 + value.len());
        bytes.extend_from_slice(name);
        bytes.push(b'=');
        bytes.extend_from_slice(value);
        Token::new(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let split = bytes.iter().position(|byte| *byte == b'=');
        let parts = split.map(|at| (str::from_utf8(&bytes[..at]), &bytes[at + 1..]));
        match parts {
            Some((Ok(name), value)) => Ok(Self {
                name: name.to_owned(),
                value: Token::new(value.to_vec()),
            }),
            _ => Err(DecodeError::Invalid {
                field: "variable",
                expected: "NAME=VALUE",
            }),
        }
    }
}
