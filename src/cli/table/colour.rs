//! The colour of a state, on a terminal only.

use std::io::{self, IsTerminal as _};

use crate::status_report::ProfileState;

/// Whether states have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Colour {
    /// Never: the output is for a file or another program.
    Never,
    /// On a terminal.
    Always,
}

impl Colour {
    /// For stdout: if that is a terminal and `NO_COLOR` (no-color.org) is not set.
    pub(in crate::cli) fn of_stdout() -> Self {
        let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match io::stdout().is_terminal() && is_wanted {
            true => Self::Always,
            false => Self::Never,
        }
    }

    /// Returns `text` in the colour of `state`.
    pub(super) fn paint(self, text: &str, state: &ProfileState) -> String {
        let code = match state {
            _ if self == Self::Never => return text.to_owned(),
            ProfileState::Empty => return text.to_owned(),
            ProfileState::Ready => 32,
            // The user can do something about it.
            ProfileState::LoginRequired | ProfileState::Locked => 33,
            _ => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_colours_on_a_terminal_only() {
        for (state, painted) in [
            (ProfileState::Ready, "\u{1b}[32mx\u{1b}[0m"),
            (ProfileState::LoginRequired, "\u{1b}[33mx\u{1b}[0m"),
            (ProfileState::Rejected, "\u{1b}[31mx\u{1b}[0m"),
            (
                ProfileState::Other("new".to_owned()),
                "\u{1b}[31mx\u{1b}[0m",
            ),
            (ProfileState::Empty, "x"),
        ] {
            assert_eq!(Colour::Always.paint("x", &state), painted);
            assert_eq!(Colour::Never.paint("x", &state), "x");
        }
    }
}
