//! Which module may know which: each test states what some files must not name.

use std::collections::BTreeSet;

use crate::{
    source_tree::{files, tree},
    violations::Violations,
};

/// What some files must not name.
pub(crate) struct Rule {
    /// The files: each one's path starts with one of these.
    pub(crate) files: &'static [&'static str],
    /// Files among them that are exempt.
    pub(crate) except: &'static [&'static str],
    /// Paths, each with everything below it. `crate` is the crate that the file belongs to.
    pub(crate) never: &'static [&'static str],
    /// What to do instead.
    pub(crate) remedy: &'static str,
}

impl Rule {
    /// Passes if the files keep to it.
    ///
    /// # Panics
    ///
    /// If a file does not, or if the rule names a file or a module that does not exist.
    #[track_caller]
    fn holds(self) {
        let is_in = |file: &str, all: &[&str]| all.iter().any(|start| file.starts_with(start));
        for start in self.files.iter().chain(self.except) {
            let exists = files().any(|file| file.file.starts_with(start));
            assert!(exists, "no file starts with {start:?}: correct the rule");
        }
        let never: Vec<_> = self.never.iter().map(|path| split(path)).collect();
        for path in &never {
            let exists =
                path[0] != "crate" || tree().iter().any(|of| of.modules.contains_key(path));
            let is_item = path
                .last()
                .is_some_and(|name| name.starts_with(char::is_uppercase));
            assert!(exists || is_item, "no module {path:?}: correct the rule");
        }
        let mut violations = Violations::default();
        for file in files() {
            if !is_in(&file.file, self.files) || is_in(&file.file, self.except) {
                continue;
            }
            for name in &file.names {
                if never.iter().any(|path| name.path.starts_with(path)) {
                    violations.at(&file.file, name.line, name.path.join("::"));
                }
            }
        }
        violations.assert_none(self.remedy);
    }
}

fn split(path: &str) -> Vec<String> {
    path.split("::").map(str::to_owned).collect()
}

#[test]
fn the_broker_names_no_implementation() {
    Rule {
        files: &["src/broker/"],
        except: &[],
        never: &[
            "crate::cli",
            "crate::clock::SystemClock",
            "crate::composition",
            "crate::config",
            "crate::gateway::HttpGateway",
            "crate::server",
            "crate::source::catalog",
            "crate::source::exec",
            "crate::source::jwt",
            "crate::source::vault",
            "claviger_wire",
            "reqwest",
        ],
        remedy: "the broker knows the traits Source, Gateway and Clock; pass what it needs to it",
    }
    .holds();
}

/// A source is the module below `crate::source` that implements the trait, with all below it.
#[test]
fn only_the_catalog_names_the_sources() {
    const CATALOG: &str = "src/source/catalog.rs";
    // It names no source, but what is fuzzed of each.
    const FUZZING: &str = "src/fuzzing.rs";
    let sources: BTreeSet<_> = files()
        .filter(|file| file.file.starts_with("src/source/") && file.file != CATALOG)
        .filter(|file| file.impls.iter().any(|found| found.trait_ == "Source"))
        .map(|file| &file.module[..3])
        .collect();
    assert!(sources.len() >= 3, "sources found: {sources:?}");
    let mut violations = Violations::default();
    let others = files().filter(|file| ![CATALOG, FUZZING].contains(&file.file.as_str()));
    for file in others.filter(|file| file.file.starts_with("src/")) {
        for name in &file.names {
            let source = sources.iter().find(|source| name.path.starts_with(source));
            if source.is_some_and(|source| !file.module.starts_with(source)) {
                violations.at(&file.file, name.line, name.path.join("::"));
            }
        }
    }
    violations
        .assert_none("only the catalog names a source's implementation; use the trait Source");
}

#[test]
fn few_know_the_wire() {
    Rule {
        files: &["src/"],
        except: &[
            "src/cli/",
            "src/server/",
            // Turns errors into the wire's failures.
            "src/error_report/",
            // The daemon's places, and what it inherits, are the shim's, too.
            "src/paths/",
            "src/environment/",
            // The demo reads what its daemon reports at its start, as the shim does.
            "src/demo/sandbox.rs",
            // The length of the longest key.
            "src/credential.rs",
            // The format is fuzzed, and keys are compared with the shim's own check.
            "src/fuzzing.rs",
            "src/source/fuzzing.rs",
            // Looks at the places, and asks the daemon, as the shim does.
            "src/doctor/mod.rs",
            "src/doctor/machine/",
            "src/doctor/source/",
        ],
        never: &["claviger_wire"],
        remedy: "only the server and the command line speak with the shim's format",
    }
    .holds();
}

#[test]
fn few_know_the_broker() {
    Rule {
        files: &["src/"],
        except: &[
            "src/broker/",
            "src/composition/",
            "src/server/",
            // Turns its errors into messages.
            "src/error_report/",
            // Chooses its jitter.
            "src/cli/daemon/",
            // Shares the rule by which a key outlives a client's cache.
            "src/managed_settings/cache_lifetime.rs",
        ],
        never: &["crate::broker"],
        remedy: "the composition builds the broker and the server asks it; nothing else does",
    }
    .holds();
}

#[test]
fn only_the_composition_builds_sources_and_gateways() {
    Rule {
        files: &["src/"],
        except: &["src/composition/", "src/gateway/", "src/source/"],
        never: &["crate::source::catalog", "crate::gateway::HttpGateway"],
        remedy: "ask the composition for what is in force",
    }
    .holds();
}

#[test]
fn the_format_is_free_of_io() {
    Rule {
        files: &[
            "helper-shim/wire/src/acquire.rs",
            "helper-shim/wire/src/codec.rs",
            "helper-shim/wire/src/frame.rs",
            "helper-shim/wire/src/message.rs",
        ],
        except: &[],
        never: &[
            "std::env",
            "std::fs",
            "std::io",
            "std::net",
            "std::os",
            "std::process",
        ],
        remedy: "the format turns bytes into messages and back; reading and writing is elsewhere",
    }
    .holds();
}

#[test]
fn the_commands_need_no_async_runtime() {
    Rule {
        files: &["src/cli/"],
        // The daemon and the demo are servers, and `mod.rs` builds the runtime for them.
        except: &["src/cli/daemon/", "src/cli/demo.rs", "src/cli/mod.rs"],
        never: &["tokio"],
        remedy: "ask the daemon through the blocking client, as the shim does",
    }
    .holds();
}

#[test]
fn the_shim_needs_nothing_but_std() {
    Rule {
        files: &["helper-shim/"],
        except: &[],
        never: &[
            "claviger",
            "clap",
            "serde",
            "serde_json",
            "tokio",
            "tracing",
        ],
        remedy: "the shim starts in a millisecond because it is small",
    }
    .holds();
}

/// clippy.toml forbids reading a clock; an exception to that is an `expect`.
#[test]
fn only_the_clocks_may_read_the_time() {
    Rule {
        files: &["src/", "helper-shim/"],
        except: &["src/clock/", "helper-shim/wire/src/client/deadline.rs"],
        never: &["clippy::disallowed_methods"],
        remedy: "time is injected: ask the Clock",
    }
    .holds();
}
