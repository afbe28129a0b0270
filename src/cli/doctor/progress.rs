//! What is checked now, on stderr.

use std::io::{self, IsTerminal as _, Write as _};

use super::output::WIDTH;

/// Clears the line of a terminal.
const CLEAR: &str = "\r\u{1b}[K";

/// One line that is written again and again, and cleared at the end. If stderr is no terminal,
/// nothing is printed.
pub(super) struct Progress {
    is_terminal: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            is_terminal: io::stderr().is_terminal(),
        }
    }
}

impl Progress {
    /// Shows `text` in place of the text before.
    pub(super) fn show(&self, text: &str) {
        if self.is_terminal {
            // The checks go on if stderr is closed.
            let _ = write!(io::stderr(), "{CLEAR}{}", line(text));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "{CLEAR}");
        }
    }
}

/// `text ...`, cut so that it fits one line of a terminal, which could not be cleared otherwise.
fn line(text: &str) -> String {
    const END: &str = " ...";
    let text = claviger_wire::visible(text);
    let text: String = text.chars().take(WIDTH - 1 - END.len()).collect();
    format!("{text}{END}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_a_terminal_and_obeys_no_control_sequence() {
        assert_eq!(line("asking 'v'"), "asking 'v' ...");
        let long = line(&format!("\u{1b}[2J\n{}", "x".repeat(200)));
        assert!(long.chars().count() < WIDTH, "{long}");
        assert!(!long.contains(['\u{1b}', '\n']), "{long:?}");
    }
}
