//! `claviger man`.

mod helper;

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Command;
use clap_mangen::Man;

use super::CliError;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger man | man -l -               the page of claviger
  claviger man ~/.local/share/man/man1  every page, also the shim's

The packages install the pages.")]
pub(super) struct ManArgs {
    /// Write every page as a file into this directory, which is created if it is missing
    dir: Option<PathBuf>,
}

/// An empty argument in roff. Pages have no date, so that they are reproducible; without this
/// argument the next one, the version, would be shown as the date.
const NO_DATE: &str = "\"\"";

/// A page's file name, and its text in roff.
type Page = (String, Vec<u8>);

pub(super) fn run(args: &ManArgs) -> Result<(), CliError> {
    let pages = pages()?;
    let Some(dir) = &args.dir else {
        let (_, first) = &pages[0];
        return Ok(io::stdout().write_all(first)?);
    };
    write(dir, &pages).map_err(|error| {
        let action = format!("write the man pages to '{}'", dir.display());
        CliError::system(&action, &error)
    })
}

fn write(dir: &Path, pages: &[Page]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    pages
        .iter()
        .try_for_each(|(name, text)| fs::write(dir.join(name), text))
}

/// The pages of `claviger`, of each of its commands, and of `claviger-helper`.
fn pages() -> io::Result<Vec<Page>> {
    let mut command = super::command().disable_help_subcommand(true);
    // Gives each command its full name.
    command.build();
    let mut pages = Vec::new();
    add(&mut pages, &command, "claviger")?;
    pages.push(("claviger-helper.1".to_owned(), helper::page()?));
    Ok(pages)
}

fn add(pages: &mut Vec<Page>, command: &Command, name: &str) -> io::Result<()> {
    let mut text = Vec::new();
    Man::new(command.clone())
        .title(name)
        .date(NO_DATE)
        .source(concat!("claviger ", env!("CARGO_PKG_VERSION")))
        .manual("Claviger")
        .render(&mut text)?;
    pages.push((format!("{name}.1"), text));
    let shown = command.get_subcommands().filter(|one| !one.is_hide_set());
    for command in shown {
        add(pages, command, &format!("{name}-{}", command.get_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_examples() {
        let pages = pages().unwrap();
        for name in [
            "claviger",
            "claviger-status",
            "claviger-config-show",
            "claviger-helper",
        ] {
            let file = format!("{name}.1");
            let (_, text) = pages.iter().find(|(page, _)| *page == file).unwrap();
            let text = String::from_utf8(text.clone()).unwrap();
            let title = format!(".TH {name} 1 \"\" \"claviger");
            assert!(text.contains(&title), "{text}");
            assert!(
                text.contains("Examples:") || text.contains("EXAMPLES"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_pages_are_files_of_a_new_directory() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("a/man1");
        run(&ManArgs {
            dir: Some(dir.clone()),
        })
        .unwrap();
        let files = fs::read_dir(&dir).unwrap().count();
        assert_eq!(files, pages().unwrap().len());
    }
}
