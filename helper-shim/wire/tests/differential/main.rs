//! Two further decoders agree with the crate's: a naive one, written from the tables of the crate's
//! documentation, and that of the frozen version 1.
//!
//! A new kind or field needs a row in the table of [`naive`] and its values in [`plain`].

#![expect(clippy::unwrap_used, reason = "tests")]

mod bodies;
mod naive;
mod old;
mod plain;
#[path = "../../../../tests/it/frozen/wire_v1.rs"]
#[expect(dead_code, unreachable_pub, reason = "a copy of the whole crate")]
mod v1;

use claviger_wire::{HEADER_LEN, Request, Response};
use proptest::prelude::{Strategy as _, prop_assert_eq, proptest};

use self::{
    bodies::body,
    plain::{of_request, of_response},
};

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(2048))]

    #[test]
    fn the_documentation_decodes_every_body_alike(body in body()) {
        let request = Request::decode(&body).ok();
        prop_assert_eq!(request.as_ref().map(of_request), naive::decode(&body, true));
        let response = Response::decode(&body).ok();
        prop_assert_eq!(response.as_ref().map(of_response), naive::decode(&body, false));
    }

    /// What is over a limit is truncated or replaced when it is written.
    #[test]
    fn an_old_program_reads_what_this_version_writes(body in body()) {
        if let Ok(request) = Request::decode(&body) {
            let frame = request.encode();
            let read = Request::decode(&frame[HEADER_LEN..]).unwrap();
            let old = v1::Request::decode(&frame[HEADER_LEN..]);
            prop_assert_eq!(old.unwrap(), old::request(read));
        }
        if let Ok(response) = Response::decode(&body) {
            let frame = response.encode();
            let read = Response::decode(&frame[HEADER_LEN..]).unwrap();
            let old = v1::Response::decode(&frame[HEADER_LEN..]);
            prop_assert_eq!(old.unwrap(), old::response(read));
        }
    }

    #[test]
    fn this_version_reads_what_an_old_program_writes(body in body()) {
        if let Ok(request) = v1::Request::decode(&body) {
            let frame = request.encode();
            let old = v1::Request::decode(&frame[HEADER_LEN..]).unwrap();
            let read = Request::decode(&frame[HEADER_LEN..]);
            prop_assert_eq!(old::request(read.unwrap()), old);
        }
        if let Ok(response) = v1::Response::decode(&body) {
            let frame = response.encode();
            let old = v1::Response::decode(&frame[HEADER_LEN..]).unwrap();
            let read = Response::decode(&frame[HEADER_LEN..]);
            prop_assert_eq!(old::response(read.unwrap()), old::with_known_code(old));
        }
    }
}

/// Most bodies above are of known kinds, and are read, so that the properties say something.
#[test]
fn the_bodies_are_not_mostly_errors() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let (mut read, mut with_fields) = (0, 0);
    for _ in 0..2000 {
        let body = body().new_tree(&mut runner).unwrap().current();
        for plain in [naive::decode(&body, true), naive::decode(&body, false)]
            .into_iter()
            .flatten()
        {
            read += 1;
            with_fields += usize::from(plain.1.iter().any(Option::is_some));
        }
    }
    assert!(read > 1000 && with_fields > 200, "{read} {with_fields}");
}
