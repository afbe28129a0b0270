//! What the fuzz target of the central policy asserts of the commands' output.

use super::{
    effect::{Effect, Profile},
    files::PolicyFile,
    show::{as_json, print_document, print_effect},
};
use crate::{cli::output, hostile_input::assert_one_line, policy::SignedPolicy};

/// Asserts that what is shown of `policy` has no control characters but its line breaks.
pub(crate) fn printed(policy: SignedPolicy) {
    let now = policy.issued_at;
    let policy = PolicyFile::Signed(policy);
    let effect = Effect::new(policy.document(), "ana", &Profile::unknown("default"));
    let mut text = Vec::new();
    let printed = print_document(&mut text, &policy, now)
        .and_then(|()| print_effect(&mut text, "ana", &effect))
        .and_then(|()| output::json(&mut text, &as_json(&policy, "ana", &[effect])));
    assert!(printed.is_ok(), "{printed:?}");
    let text = str::from_utf8(&text);
    assert!(text.is_ok(), "{text:?}");
    text.unwrap_or_default()
        .split('\n')
        .for_each(assert_one_line);
}
