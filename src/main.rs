//! The composition root: parses the command line, runs the command, and is the only place that ends the process.

use std::process::ExitCode;

fn main() -> ExitCode {
    claviger::cli::main()
}
