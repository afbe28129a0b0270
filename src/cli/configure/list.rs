//! `claviger configure` without a client: all clients, and what they use now.

use std::{
    env,
    ffi::OsStr,
    io::{self, Write as _},
    path::PathBuf,
};

use serde::Serialize;
use serde_json::json;

use super::{
    clients::{CLIENTS, program},
    target::user_file,
};
use crate::{
    cli::{
        CliError, output,
        places::{self, DaemonPlaces},
    },
    client_kind::ClientKind,
    configure,
    paths::Starter,
    settings_file::SettingsFile,
};

/// One client.
#[derive(Debug, Serialize)]
struct Listed {
    client: &'static str,
    /// Whether its program is on `PATH`, or its settings exist.
    found: bool,
    file: Option<PathBuf>,
    state: State,
    /// Why the state is unknown.
    problem: Option<String>,
}

/// The helper in a client's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Configured,
    OtherHelper,
    NotConfigured,
    Unreadable,
    /// The client has no settings file for it.
    Elsewhere,
}

impl State {
    const fn text(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::OtherHelper => "another helper",
            Self::NotConfigured => "not configured",
            Self::Unreadable => "unreadable",
            Self::Elsewhere => "set elsewhere",
        }
    }
}

pub(super) fn run(as_json: bool) -> Result<(), CliError> {
    let places = places::of(Starter::Client)?;
    let listed = CLIENTS.map(|client| listed(client, &places));
    let mut out = io::stdout().lock();
    if as_json {
        return Ok(output::json(&mut out, &json!({"clients": listed}))?);
    }
    writeln!(
        out,
        "{:<15}{:<11}{:<16}FILE",
        "CLIENT", "INSTALLED", "STATE"
    )?;
    for client in &listed {
        let found = if client.found { "yes" } else { "no" };
        let file = match (&client.problem, &client.file) {
            (Some(problem), _) => problem.clone(),
            (None, Some(file)) => file.display().to_string(),
            (None, None) => String::new(),
        };
        let line = format!(
            "{:<15}{found:<11}{:<16}{file}",
            client.client,
            client.state.text()
        );
        writeln!(out, "{}", claviger_wire::visible(line.trim_end()))?;
    }
    Ok(())
}

fn listed(client: ClientKind, places: &DaemonPlaces) -> Listed {
    let on_path = program(client).is_some_and(|program| is_on_path(program.as_ref()));
    let mut listed = Listed {
        client: client.name(),
        found: on_path,
        file: None,
        state: State::Elsewhere,
        problem: None,
    };
    let Some((path, syntax)) = user_file(client, places) else {
        return listed;
    };
    let file = SettingsFile::read(&path, syntax);
    let document = file.and_then(|file| {
        listed.found |= file.exists();
        file.document()
    });
    match document {
        Ok(document) => {
            listed.state = match configure::runs_helper(client, |key| document.get(key)) {
                Some(true) => State::Configured,
                Some(false) => State::OtherHelper,
                None => State::NotConfigured,
            };
        }
        Err(error) => {
            listed.state = State::Unreadable;
            listed.problem = Some(error.to_string());
        }
    }
    listed.file = Some(path);
    listed
}

fn is_on_path(program: &OsStr) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| {
        let names = ["", ".exe", ".cmd"].map(|suffix| {
            let mut name = program.to_owned();
            name.push(suffix);
            name
        });
        names.iter().any(|name| directory.join(name).is_file())
    })
}
