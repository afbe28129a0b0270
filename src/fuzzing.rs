//! The functions that the fuzz targets in `tests/fuzz` call: one for each decoder of input from
//! outside. None may panic, and each asserts what holds beyond that for every input.
//!
//! | function | input | what holds |
//! |---|---|---|
//! | [`config`] | a configuration | each problem has a place in the file; what `config show` prints of an accepted one is accepted and has the same values |
//! | [`discovery`] | an issuer's document | an accepted one is the issuer's own, and its endpoints are encrypted |
//! | [`exec_output`] | a program's output | an accepted key is one that the shim prints |
//! | [`foreign_text`] | a server's text | what is shown is one short line without the request's secrets |
//! | [`id_token`] | claims, or a token and a key set | accepted claims are the client's own, of now; a token is not accepted without a key's signature |
//! | [`token_response`] | a status and a body | an accepted token is not blank; a page is an https URL |
//! | [`vault_response`] | a status and a body | an accepted key is one that the shim prints |
//! | [`wire`] | a frame | what is decoded encodes to a frame that decodes to the same |
//!
//! No message repeats a secret of the input or contains a control character. A decoder's function
//! is in its folder, because the decoders are private.

pub use crate::{
    config::fuzzing::config,
    network::fuzzing::foreign_text,
    source::fuzzing::{discovery, exec_output, id_token, token_response, vault_response},
};

use claviger_wire::{
    HEADER_LEN, MAX_BODY, MAX_EXPIRY_LEN, MAX_TEXT_LEN, Request, Response, body_len,
};

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
