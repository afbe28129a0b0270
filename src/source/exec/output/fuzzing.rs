//! The fuzz target of programs' output.

use super::parse;
use crate::source::fuzzing::{assert_reported, assert_usable, now};

/// What a program prints on its standard output.
pub fn exec_output(data: &[u8]) {
    match parse("/usr/bin/corp-key", data, now().wall) {
        Ok(parsed) => {
            assert_usable(&parsed.key);
            assert!(parsed.lifetime.is_none_or(|left| !left.is_zero()));
        }
        Err(error) => assert_reported(&error),
    }
}
