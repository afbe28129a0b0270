//! The invariants of the source tree: each test here is one.
//!
//! The tests read the source files that `CARGO_MANIFEST_DIR` contains, so they run on every system
//! and see the files of all systems. Test code is not subject to them, except for its length.
//!
//! To add an invariant, write a test that collects [`Violations`](violations::Violations) from the
//! facts in [`tree`](source_tree::tree), or one that states a [`Rule`](layers::Rule): what some
//! files must not name.
//!
//! Invariants with a check elsewhere:
//!
//! | invariant | check |
//! |---|---|
//! | clocks are read in `src/clock` only | `disallowed-methods` in `clippy.toml` |
//! | no lock is held across `.await` | clippy's `await_holding_lock`; [`lints`] keeps it on |
//! | a secret reaches no output | the canary that every test in `tests/it` searches for |

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod circles;
mod dependencies;
mod facts;
mod imports;
mod layers;
mod length;
mod links;
mod lints;
mod messages;
mod names;
mod secrets;
mod source_tree;
mod test_paths;
mod threats;
mod tokens;
mod violations;
