//! Questions on a terminal.

use std::io::{self, BufRead as _, Write as _};

use claviger_wire::{ExitCode, Failure};

use crate::{cli::CliError, preset::Ask};

/// The terminal of this process: questions go to stderr, so that stdout has results only.
#[derive(Debug, Default)]
pub(super) struct Terminal;

impl Terminal {
    /// Asks for a value. `default` is the answer if the user enters nothing, and `problem` what was
    /// wrong with the answer before.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] if the terminal is closed.
    pub(super) fn ask(
        &mut self,
        ask: &Ask,
        default: Option<&str>,
        problem: Option<&str>,
    ) -> Result<String, CliError> {
        match problem {
            Some(problem) => say(&format!("  {problem}\n")),
            None => {
                let or_nothing = if ask.optional { "; empty for none" } else { "" };
                say(&format!("\n{}{or_nothing}\n", ask.question));
                let examples = match ask.choices.as_slice() {
                    [] => format!("  for example {}\n", ask.example),
                    choices => format!("  one of {}\n", choices.join(", ")),
                };
                say(&examples);
            }
        }
        loop {
            let shown = default.map_or_else(String::new, |default| format!(" [{default}]"));
            say(&format!("{}{shown}: ", ask.name));
            match (read_line()?, default) {
                (text, Some(default)) if text.is_empty() => return Ok(default.to_owned()),
                (text, None) if text.is_empty() && !ask.optional => {}
                (text, _) => return Ok(text),
            }
        }
    }

    /// Lets the user choose one of `choices`, each a name and a title, by its name or number.
    ///
    /// # Errors
    ///
    /// As [`Self::ask`].
    pub(super) fn choose(
        &mut self,
        question: &str,
        choices: &[(&str, &str)],
    ) -> Result<String, CliError> {
        say(&format!("\n{question}\n"));
        for (index, (name, title)) in choices.iter().enumerate() {
            say(&format!("  {:>2}  {name:<12}{title}\n", index + 1));
        }
        loop {
            say("name or number: ");
            let text = read_line()?;
            let by_number = text.parse::<usize>().ok();
            let by_number = by_number.and_then(|number| choices.get(number.checked_sub(1)?));
            let by_name = || choices.iter().find(|(name, _)| *name == text);
            if let Some((name, _)) = by_number.or_else(by_name) {
                return Ok((*name).to_owned());
            }
        }
    }
}

fn say(text: &str) {
    let mut stderr = io::stderr();
    // If it is closed, the user sees no question and ends the command.
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}

fn read_line() -> Result<String, CliError> {
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(length) if length > 0 => Ok(line.trim().to_owned()),
        _ => {
            say("\n");
            let problem = "cancelled; nothing was written";
            let hint = "run claviger init again, or give the values as flags";
            Err(Failure::new(ExitCode::Usage, problem, hint).into())
        }
    }
}
