//! The fields of the request to sign in.

use crate::{
    DecodeError, Login, LoginFlow, Variables,
    codec::{LOGIN, truncated},
    frame::Fields,
    variables::VariableFields,
};

impl Login {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let flow = [match self.flow {
            LoginFlow::Configured => 0,
            LoginFlow::Device => 1,
            LoginFlow::NoBrowser => 2,
        }];
        let force = [u8::from(self.force)];
        let mut fields: Vec<(u8, &[u8])> = Vec::new();
        fields.extend(
            self.profile
                .as_deref()
                .map(|profile| (1, truncated(profile))),
        );
        fields.push((2, &flow));
        fields.push((3, &force));
        VariableFields::new(&self.variables).frame(LOGIN, fields)
    }

    pub(crate) fn decode(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            profile: fields.text(1, "profile")?,
            flow: match fields.byte(2, "flow")? {
                Some(1) => LoginFlow::Device,
                Some(2) => LoginFlow::NoBrowser,
                // What the configuration has is never wrong.
                _ => LoginFlow::Configured,
            },
            force: fields.byte(3, "force")?.is_some_and(|force| force != 0),
            variables: Variables::decode(fields)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;

    #[test]
    fn an_unknown_flow_is_the_configured_one() {
        for (flow, expected) in [
            (0, LoginFlow::Configured),
            (1, LoginFlow::Device),
            (2, LoginFlow::NoBrowser),
            (3, LoginFlow::Configured),
            (255, LoginFlow::Configured),
        ] {
            let login = Login {
                flow: expected,
                ..Login::default()
            };
            let body = [1, LOGIN, 2, 0, 1, flow];
            assert_eq!(Request::decode(&body), Ok(Request::Login(login)), "{flow}");
        }
    }
}
