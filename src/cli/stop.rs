//! `claviger stop`.

use std::io::{self, Write as _};

use claviger_wire::Request;

use super::{CliError, client};

pub(super) fn run() -> Result<(), CliError> {
    let result = match client::request(Request::Stop)? {
        Some(_) => "the daemon has ended",
        None => "no daemon was running",
    };
    writeln!(io::stdout(), "{result}")?;
    Ok(())
}
