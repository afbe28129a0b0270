//! The functions that the fuzz targets in `tests/fuzz` call: one for each decoder of input from
//! outside. None may panic, and each asserts what holds beyond that for every input.
//!
//! - [`audit`]: what the chain has made is whole; each change of it is found, and its line named.
//!   Any bytes have the same lines and problems in parts as in their whole.
//! - [`config`]: each problem has a place in the file. What `config show` prints of an accepted
//!   configuration is accepted and has the same values.
//! - [`discovery`]: an accepted document is the issuer's own, and its endpoints are encrypted.
//! - [`exec_output`]: an accepted key is one that the shim prints.
//! - [`foreign_text`]: what is shown is one short line without the request's secrets.
//! - [`id_token`]: accepted claims are the client's own and of now, and no token is accepted
//!   without a key.
//! - [`policy`]: an accepted text is what the pinned key has signed, no change of it is accepted,
//!   and it means the same in TOML. Only a larger counter replaces a policy, and more rules never
//!   permit more.
//! - [`token_response`]: an accepted token is not blank, and the page of a sign-in is an https URL.
//! - [`vault_response`]: an accepted key is one that the shim prints; only Vault's own word drops a
//!   key or a login.
//! - [`wire`]: what is decoded encodes to a frame that decodes to the same.
//!
//! No message repeats a secret of the input or contains a control character. A decoder's function
//! is in its folder, because the decoders are private.

use claviger_wire::{
    HEADER_LEN, MAX_BODY, MAX_EXPIRY_LEN, MAX_TEXT_LEN, Request, Response, body_len,
};

use crate::cli;
pub use crate::{
    config::fuzzing::config,
    network::fuzzing::foreign_text,
    source::{
        exec::fuzzing::exec_output,
        oauth::fuzzing::{discovery, id_token, token_response},
        vault::fuzzing::vault_response,
    },
};

/// An audit log, as it is read and as `claviger audit` prints it.
pub fn audit(data: &[u8]) {
    let (files, verdict) = crate::audit::fuzzing::audit(data);
    cli::audit::fuzzing::printed(&files, &verdict);
}

/// A central policy, as it is read and as `claviger policy` prints it.
pub fn policy(data: &[u8]) {
    for policy in crate::policy::fuzzing::policy(data) {
        cli::policy::fuzzing::printed(policy);
    }
}

/// A frame. What its header says is checked apart from its body, so that the fuzzer need not
/// count.
pub fn wire(data: &[u8]) {
    let Some((header, body)) = data.split_first_chunk::<HEADER_LEN>() else {
        return;
    };
    if let Ok(len) = body_len(*header) {
        assert!((1..=MAX_BODY).contains(&len), "{len}");
    }
    if let Ok(request) = Request::decode(body) {
        let frame = request.encode();
        let again = Request::decode(body_of(&frame));
        // A text that is over its limit is truncated.
        if body.len() <= MAX_TEXT_LEN {
            assert_eq!(again.as_ref(), Ok(&request));
        }
        assert_eq!(again.map(|again| again.encode()), Ok(frame));
    }
    if let Ok(response) = Response::decode(body) {
        let frame = response.encode();
        let again = Response::decode(body_of(&frame));
        // As above, and names that are too long or too many are left out.
        if body.len() <= MAX_EXPIRY_LEN {
            assert_eq!(again.as_ref(), Ok(&response));
        }
        assert_eq!(again.map(|again| again.encode()), Ok(frame));
        if let Response::Failure(failure) = response {
            let text = failure.to_text();
            let hidden = text.chars().any(|c| c.is_control() && c != '\n');
            assert!(!hidden && text.lines().count() <= 2, "{text:?}");
            assert!(text.chars().count() <= 400, "{text:?}");
        }
    }
}

/// The body of a frame of our own.
fn body_of(frame: &[u8]) -> &[u8] {
    let (header, body) = frame.split_at(HEADER_LEN);
    assert_eq!(header, (body.len() as u32).to_be_bytes());
    assert!(body.len() <= MAX_BODY);
    body
}
