//! The man page of `claviger-helper`, from its help.

use std::io;

use clap_mangen::roff::{Inline, Roff, bold, roman};

/// The shim's help, which the shim itself prints.
const HELP: &str = include_str!("../../../helper-shim/src/help.txt");

/// The page in roff.
///
/// # Errors
///
/// None in practice: it is written to memory.
pub(super) fn page() -> io::Result<Vec<u8>> {
    let mut page = Page(Roff::new());
    let version = concat!("claviger-helper ", env!("CARGO_PKG_VERSION"));
    page.0.control(
        "TH",
        ["claviger-helper", "1", super::NO_DATE, version, "Claviger"],
    );
    page.section("NAME");
    page.0.text(vec![roman(
        "claviger-helper - prints the current gateway key",
    )]);
    let mut paragraphs: Vec<_> = HELP.split("\n\n").collect();
    // A page has its synopsis before the description.
    paragraphs.sort_by_key(|paragraph| !paragraph.starts_with("Usage"));
    for paragraph in paragraphs {
        match paragraph.split_once('\n') {
            Some(("Options:", options)) => page.listing("OPTIONS", options),
            Some(("Examples:", examples)) => page.listing("EXAMPLES", examples),
            _ => page.paragraph(paragraph),
        }
    }
    let mut text = Vec::new();
    page.0.to_writer(&mut text)?;
    Ok(text)
}

/// A page under way.
struct Page(Roff);

impl Page {
    fn section(&mut self, title: &str) {
        self.0.control("SH", [title]);
    }

    /// Lines that keep their layout.
    fn listing(&mut self, title: &str, lines: &str) {
        self.section(title);
        self.0.control("nf", []);
        for line in lines.lines() {
            self.0.text(vec![roman(line)]);
        }
        self.0.control("fi", []);
    }

    /// A paragraph, which names its section by its first word.
    fn paragraph(&mut self, text: &str) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (title, text): (&str, Vec<Inline>) = match text.split_once(": ") {
            Some(("Usage", usage)) => ("SYNOPSIS", vec![bold(usage)]),
            Some(("Exit codes", codes)) => ("EXIT STATUS", vec![roman(codes)]),
            _ => ("DESCRIPTION", vec![roman(&text)]),
        };
        self.section(title);
        self.0.text(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_help_has_its_section() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        let sections: Vec<_> = page
            .lines()
            .filter_map(|line| line.strip_prefix(".SH "))
            .collect();
        assert_eq!(
            sections,
            [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "EXAMPLES",
                "\"EXIT STATUS\"",
            ]
        );
        for option in ["profile", "client", "format", "timeout\\-ms", "reveal"] {
            assert!(page.contains(option), "{option}: {page}");
        }
    }
}
