//! The fuzz target of programs' output.

pub use super::output::fuzzing::exec_output;
