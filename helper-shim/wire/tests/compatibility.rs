//! The frozen version 1 and the current one: each decodes the frames of the other.

#[path = "../../../tests/it/frozen/wire_v1.rs"]
#[expect(dead_code, unreachable_pub, reason = "a copy of the whole crate")]
mod v1;

use std::{fs, path::PathBuf};

use claviger_wire::{HEADER_LEN, Request, Response};

#[test]
fn the_frozen_version_decodes_and_encodes_every_golden_frame() {
    let frames = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frames");
    let mut read = 0;
    for file in fs::read_dir(frames).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let frame = fs::read(file.path()).unwrap();
        let body = &frame[HEADER_LEN..];
        // The additions of a later version are not encoded again.
        let later = name.starts_with("later-");
        let (now, then) = if name.contains("request-") {
            let now = Request::decode(body).unwrap();
            let then = v1::Request::decode(body).unwrap();
            assert_eq!(fields(&now), format!("{then:?}"), "{name}");
            (now.encode(), then.encode())
        } else {
            let now = Response::decode(body).unwrap();
            let then = v1::Response::decode(body).unwrap();
            assert_eq!(format!("{now:?}"), format!("{then:?}"), "{name}");
            (now.encode(), then.encode())
        };
        assert_eq!(now, then, "{name}");
        assert!(later || then == frame, "{name}");
        read += 1;
    }
    assert_eq!(read, 20);
}

/// All fields of a request as text. The `Debug` of the current version does not show the gateway.
fn fields(request: &Request) -> String {
    match request {
        Request::Acquire(acquire) => format!("{request:?}").replace(
            "gateway: Some(…)",
            &format!("gateway: {:?}", acquire.gateway),
        ),
        _ => format!("{request:?}"),
    }
}
