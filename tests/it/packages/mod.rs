//! The packages that `packaging/build` makes, installed as a machine's package manager does it.

mod homebrew;
mod macos;
mod msi;
mod winget;
