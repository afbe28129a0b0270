//! A secret cannot be shown by accident: its type lacks the traits that print it or give it away.
//!
//! `src/secret.rs` has the same for `Secret` as a test that does not compile otherwise.

use crate::{source_tree::files, violations::Violations};

/// The types that contain a secret, each with the folder of its crate.
const SECRETS: [(&str, &str); 2] = [("src/", "Secret"), ("helper-shim/wire/", "Token")];

/// Traits that print a secret, or lend it without a call of `expose`.
const FORBIDDEN: [&str; 8] = [
    "AsRef",
    "Borrow",
    "Deref",
    "Display",
    "LowerHex",
    "Serialize",
    "ToString",
    "UpperHex",
];

#[test]
fn a_secret_has_no_display_and_no_serialize() {
    let mut violations = Violations::default();
    for (folder, secret) in SECRETS {
        let mut debugs = 0;
        for file in files().filter(|file| file.file.starts_with(folder)) {
            for found in file.impls.iter().filter(|found| found.type_ == secret) {
                if FORBIDDEN.contains(&found.trait_.as_str()) {
                    let problem = format!("{} for {secret}", found.trait_);
                    violations.at(&file.file, found.line, problem);
                }
                debugs += usize::from(found.trait_ == "Debug");
            }
        }
        assert_eq!(
            debugs, 1,
            "{secret} implements Debug once, if it is below {folder}"
        );
    }
    violations.assert_none("a secret is named by its fingerprint and taken by expose() only");
}
