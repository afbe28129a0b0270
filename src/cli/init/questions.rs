//! Answers what presets leave open. Pure: a caller asks, or takes what flags give.

use claviger_wire::{ExitCode, Failure};

use super::{
    answers::{Answers, Given},
    form,
    plan::{CLIENT_ID, GATEWAY_URL, Plan},
};
use crate::{
    cli::CliError,
    preset::{Ask, fill},
};

impl Plan {
    /// Answers everything that is left open: by what is `given`, else by what `ask` returns. It is
    /// called with the default, once more with the problem if the answer has one, and returns
    /// `None` if there is no answer.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] if a given value is wrong or unknown, or if values are missing, with
    /// their flags; and those of `ask`.
    pub(super) fn answer(
        &self,
        mut given: Given,
        mut ask: impl FnMut(&Ask, Option<&str>, Option<&str>) -> Result<Option<String>, CliError>,
    ) -> Result<Answers, CliError> {
        self.check_names(&given)?;
        let mut answers = Answers::default();
        let mut missing = Vec::new();
        for open in self.asks() {
            if !open.applies(|name| answers.get(name)) {
                continue;
            }
            let default = open.default.as_deref();
            let default =
                default.map(|text| fill(text, |name| answers.get(name).map(str::to_owned)));
            if let Some(text) = given.remove(&open.name) {
                let answer = self.accepted(open, &text, &answers);
                let answer = answer.map_err(|problem| wrong(open, &problem))?;
                answers.set(open, Some(answer));
                continue;
            }
            let mut problem: Option<String> = None;
            loop {
                let text = ask(open, default.as_deref(), problem.as_deref())?;
                match text.filter(|text| !text.trim().is_empty()) {
                    Some(text) => match self.accepted(open, &text, &answers) {
                        Ok(answer) => answers.set(open, Some(answer)),
                        Err(wrong) => {
                            problem = Some(wrong);
                            continue;
                        }
                    },
                    None => {
                        if !open.optional {
                            missing.push(open);
                        }
                        answers.set(open, None);
                    }
                }
                break;
            }
        }
        if !missing.is_empty() {
            return Err(lacking(&missing).into());
        }
        match given.into_keys().next() {
            Some(name) => {
                let problem = format!("'{name}' is not asked for with these answers");
                let hint = format!("leave '{name}' out");
                Err(Failure::new(ExitCode::Usage, problem, hint).into())
            }
            None => Ok(answers),
        }
    }

    /// The answer in its usual form, if it is one.
    fn accepted(&self, ask: &Ask, text: &str, answers: &Answers) -> Result<String, String> {
        let answer = form::accept(ask, text)?;
        let mut answers = answers.clone();
        answers.set(ask, Some(answer.clone()));
        // A key may be made of several answers: the first wrong one is refused, not the last.
        for open in self.asks() {
            answers.set_if_open(open, &open.example);
        }
        match self.broken_rule(&ask.name, &answers) {
            Some(problem) => Err(problem),
            None => Ok(answer),
        }
    }

    fn check_names(&self, given: &Given) -> Result<(), Failure> {
        let known: Vec<_> = self.asks().map(|ask| ask.name.as_str()).collect();
        let unknown = given.keys().find(|name| !known.contains(&name.as_str()));
        unknown.map_or(Ok(()), |name| {
            let problem = format!("unknown value '{name}'; expected {}", known.join(", "));
            let hint = "correct the name in --set";
            Err(Failure::new(ExitCode::Usage, problem, hint))
        })
    }
}

fn wrong(ask: &Ask, problem: &str) -> Failure {
    let hint = format!("correct {}", flag(ask));
    Failure::new(ExitCode::Usage, format!("'{}': {problem}", ask.name), hint)
}

fn lacking(missing: &[&Ask]) -> Failure {
    let flags: Vec<_> = missing.iter().map(|ask| flag(ask)).collect();
    let problem = format!("missing {}", flags.join(", "));
    let hint = "add these flags, or run claviger init on a terminal, where it asks";
    Failure::new(ExitCode::Usage, problem, hint)
}

/// The flag that gives the value, with an example.
fn flag(ask: &Ask) -> String {
    let Ask { name, example, .. } = ask;
    match name.as_str() {
        GATEWAY_URL => format!("--gateway-url {example}"),
        CLIENT_ID => format!("--client-id {example}"),
        _ => format!("--set {name}={example}"),
    }
}
