//! Requests for which the daemon may need variables of the client's environment.

use std::ffi::OsString;

use super::Client;
use crate::{
    ExitCode, Failure, HEADER_LEN, MAX_BODY, Request, Response, Token, Variable, Variables,
};

impl Client {
    /// As [`Client::request_or_start`]. If the daemon asks for variables, sends the request again
    /// with those of them that are set in this process's environment, and with no others.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request_or_start`], [`ExitCode::Usage`] if a value is not UTF-8 or they
    /// are too long for a request, [`ExitCode::DaemonUnavailable`] if the daemon asks again.
    pub fn request_with_variables(
        &self,
        request: impl FnMut(&Variables) -> Request,
    ) -> Result<Vec<Response>, Failure> {
        let mut answer = Vec::new();
        self.watch_with_variables(request, |response| answer.push(response))?;
        Ok(answer)
    }

    /// As [`Client::request_with_variables`]. `on_response` gets each response when it arrives.
    ///
    /// # Errors
    ///
    /// As [`Client::request_with_variables`].
    pub fn watch_with_variables(
        &self,
        mut request: impl FnMut(&Variables) -> Request,
        mut on_response: impl FnMut(Response),
    ) -> Result<(), Failure> {
        let mut send = |request: &mut dyn FnMut() -> Request| {
            let mut asked = None;
            self.send(request, true, &mut |response| match response {
                Response::Variables { names } => asked = Some(names),
                response => on_response(response),
            })?;
            Ok::<_, Failure>(asked)
        };
        let Some(names) = send(&mut || request(&Variables::OnRequest))? else {
            return Ok(());
        };
        let variables = read(&names, |name| std::env::var_os(name))?;
        let others = request(&Variables::OnRequest).encode().len();
        if others + variables.encoded_len() > HEADER_LEN + MAX_BODY {
            let (names, limit) = (list(&names), HEADER_LEN + MAX_BODY - others);
            return Err(Failure::new(
                ExitCode::Usage,
                format!("the environment's {names} are too long: more than {limit} bytes together"),
                "shorten them",
            ));
        }
        match send(&mut || request(&variables))? {
            // The configuration may have changed in between.
            Some(names) => Err(Failure::new(
                ExitCode::DaemonUnavailable,
                format!(
                    "the daemon asked for the environment's {} twice",
                    list(&names)
                ),
                "try again",
            )),
            None => Ok(()),
        }
    }
}

/// Those of the variables that are set.
fn read(names: &[String], env: impl Fn(&str) -> Option<OsString>) -> Result<Variables, Failure> {
    let mut variables = Vec::new();
    for name in names {
        let Some(value) = env(name) else { continue };
        let value = value.into_string().map_err(|_| {
            let message = format!("the environment's '{name}' is not UTF-8");
            Failure::new(
                ExitCode::Usage,
                message,
                format!("correct '{name}', or unset it"),
            )
        })?;
        variables.push(Variable {
            name: name.clone(),
            value: Token::new(value.into_bytes()),
        });
    }
    Ok(Variables::Sent(variables))
}

/// `'A', 'B'`.
fn list(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_and_set_is_sent() {
        let env = |name: &str| match name {
            "TEAM" | "OTHER" => Some(name.to_lowercase().into()),
            "EMPTY" => Some(OsString::new()),
            _ => None,
        };
        let names = ["UNSET", "TEAM", "EMPTY"].map(str::to_owned);
        let variable = |name: &str, value: &str| Variable {
            name: name.to_owned(),
            value: Token::new(value.into()),
        };
        let expected = Variables::Sent(vec![variable("TEAM", "team"), variable("EMPTY", "")]);
        assert_eq!(read(&names, env), Ok(expected));
        assert_eq!(read(&[], env), Ok(Variables::Sent(Vec::new())));
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_utf_8_is_named_and_not_shown() {
        use std::os::unix::ffi::OsStringExt as _;
        let env = |_: &str| Some(OsString::from_vec(b"hunter2\xff".to_vec()));
        let failure = read(&["TEAM".to_owned()], env).unwrap_err();
        assert_eq!(failure.code, ExitCode::Usage);
        assert_eq!(failure.message, "the environment's 'TEAM' is not UTF-8");
    }
}
