//! Clients without a settings file of the user's: what is to be set elsewhere is printed.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::{
    cli::output,
    client_kind::ClientKind,
    configure::{self, Helper},
    shell_word::shell_word,
};

/// Prints the settings of a client.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn print(out: &mut impl Write, helper: &Helper<'_>, as_json: bool) -> io::Result<()> {
    match helper.client {
        ClientKind::ClaudeDesktop => desktop(out, helper, as_json),
        _ => variables(out, helper, as_json),
    }
}

/// Lines for the profile of a shell, which can also be `eval`uated there.
fn variables(out: &mut impl Write, helper: &Helper<'_>, as_json: bool) -> io::Result<()> {
    let variables = configure::environment(helper);
    if as_json {
        let variables = variables.into_iter();
        let variables: Map<_, _> = variables
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        let client = helper.client.name();
        return output::json(out, &json!({"client": client, "environment": variables}));
    }
    let note = "# Add these lines to the profile of your shell. COPILOT_MODEL or --model names a model\n# of the gateway.";
    writeln!(out, "{note}")?;
    for (name, value) in variables {
        match cfg!(windows) {
            true => writeln!(out, "$env:{name} = '{}'", value.replace('\'', "''"))?,
            false => writeln!(out, "export {name}={}", shell_word(&value))?,
        }
    }
    Ok(())
}

/// Claude Desktop reads its helper from the administrator's settings alone, and passes no
/// arguments.
fn desktop(out: &mut impl Write, helper: &Helper<'_>, as_json: bool) -> io::Result<()> {
    let link = std::path::Path::new(helper.program).with_file_name("claviger-helper-desktop");
    let settings = json!({
        "inferenceProvider": "gateway",
        "inferenceGatewayBaseUrl": helper.gateway,
        "inferenceCredentialHelper": link,
    });
    if as_json {
        let client = helper.client.name();
        return output::json(out, &json!({"client": client, "managed": settings}));
    }
    let text = "Claude Desktop reads its helper from the settings of the administrator (MDM), and runs it \
                without arguments: by a link to claviger-helper, which the packages do not install.";
    output::paragraph(out, text)?;
    output::json(out, &settings)
}
