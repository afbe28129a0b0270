//! What `--help` shows of every command.

use clap::Command;
use claviger_wire::ExitCode;

use super::command;

/// The width of a usual terminal.
const WIDTH: usize = 80;

/// The height of a terminal on a usual screen.
const HEIGHT: usize = 50;

/// The commands whose exit codes have a meaning of their own.
const WITH_EXIT_CODES: [&str; 11] = [
    "claviger",
    "claviger audit verify",
    "claviger config check",
    "claviger configure",
    "claviger doctor",
    "claviger exec",
    "claviger login",
    "claviger managed-settings",
    "claviger policy verify",
    "claviger refresh",
    "claviger status",
];

/// Every command that is shown, with its full name.
fn commands() -> Vec<(String, Command)> {
    fn add(command: &Command, name: &str, commands: &mut Vec<(String, Command)>) {
        commands.push((name.to_owned(), command.clone()));
        for command in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            add(command, &format!("{name} {}", command.get_name()), commands);
        }
    }
    let mut root = command().disable_help_subcommand(true);
    root.build();
    let mut commands = Vec::new();
    add(&root, "claviger", &mut commands);
    commands
}

fn after_help(command: &Command) -> String {
    let text = command.get_after_help();
    text.map(ToString::to_string).unwrap_or_default()
}

#[test]
fn help_fits_a_screen() {
    for (name, _) in commands() {
        let args = name.split(' ').chain(["--help"]);
        let shown = command().term_width(WIDTH).try_get_matches_from(args);
        let help = shown.unwrap_err().to_string();
        let lines = help.lines().count();
        assert!(lines <= HEIGHT, "{name}: {lines} lines\n{help}");
        for line in help.lines() {
            assert!(line.chars().count() <= WIDTH, "{name}: {line}");
        }
    }
}

/// An example that the terminal wraps cannot be copied.
#[test]
fn help_has_a_summary_and_examples_on_one_line_each() {
    for (name, command) in commands() {
        assert!(command.get_about().is_some(), "{name}");
        let text = after_help(&command);
        assert!(text.contains("Examples:\n  "), "{name}");
        for line in text.lines().filter(|line| line.starts_with("  ")) {
            assert!(line.chars().count() <= WIDTH, "{name}: {line}");
        }
    }
}

#[test]
fn help_names_the_exit_codes() {
    let commands = commands();
    let help = |name: &str| {
        let found = commands.iter().find(|(other, _)| other == name);
        after_help(&found.unwrap_or_else(|| panic!("no {name}")).1)
    };
    for name in WITH_EXIT_CODES {
        assert!(help(name).to_lowercase().contains("exit code"), "{name}");
    }
    for code in ExitCode::ALL {
        let code = format!(" {} ", code.as_byte());
        assert!(help("claviger").contains(&code), "{code}");
    }
}

#[test]
fn the_first_steps_are_first() {
    let command = command();
    let names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
    assert_eq!(
        names[..5],
        ["init", "login", "configure", "doctor", "status"]
    );
}
