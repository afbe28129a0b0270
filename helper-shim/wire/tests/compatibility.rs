//! The frozen version 1 and the current one: each decodes the frames of the other.

#[path = "../../../tests/it/frozen/wire_v1.rs"]
#[expect(dead_code, unreachable_pub, reason = "a copy of the whole crate")]
mod v1;

use std::{fs, path::PathBuf};

use claviger_wire::{HEADER_LEN, Request, Response};

#[test]
fn the_frozen_version_decodes_and_encodes_every_golden_frame() {
    let frames = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frames");
    let (mut read, mut added) = (0, Vec::new());
    for file in fs::read_dir(frames).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let frame = fs::read(file.path()).unwrap();
        let body = &frame[HEADER_LEN..];
        if name.starts_with("added-") {
            added.push(name);
            continue;
        }
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
            let fields = format!("{now:?}").replace(", expires_in: None", "");
            assert_eq!(fields, format!("{then:?}"), "{name}");
            (now.encode(), then.encode())
        };
        assert_eq!(now, then, "{name}");
        assert!(later || then == frame, "{name}");
        read += 1;
    }
    assert_eq!(read, 20);
    assert_eq!(added.len(), 12, "{added:?}");
}

/// What has been added to version 1 since is skipped.
#[test]
fn the_frozen_version_reads_frames_with_additions_as_those_without() {
    let frame = |name: &str| {
        let frames = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frames");
        fs::read(frames.join(format!("{name}.frame"))).unwrap()
    };
    for (added, without) in [
        ("acquire-on-request", "request-acquire"),
        ("acquire-variables", "request-acquire"),
        ("acquire-client", "request-acquire"),
        // An unknown format is read as the bare key; the shim prints.
        ("acquire-oauth", "request-acquire-bare"),
        ("refresh-variables", "request-refresh-all"),
    ] {
        let read = v1::Request::decode(&frame(&format!("added-request-{added}"))[HEADER_LEN..]);
        let expected = match without {
            "request-refresh-all" => v1::Request::Refresh { profile: None },
            without => v1::Request::decode(&frame(without)[HEADER_LEN..]).unwrap(),
        };
        assert_eq!(read.unwrap(), expected, "{added}");
    }
    for (added, kind) in [
        ("login", 6),
        ("login-bare", 6),
        ("metrics", 7),
        ("lock", 8),
        ("unlock", 9),
    ] {
        let read = v1::Request::decode(&frame(&format!("added-request-{added}"))[HEADER_LEN..]);
        assert_eq!(read, Ok(v1::Request::Unknown { kind }), "{added}");
    }
    let response = |name: &str| v1::Response::decode(&frame(name)[HEADER_LEN..]).unwrap();
    assert_eq!(
        response("added-response-variables"),
        v1::Response::Unknown { kind: 134 }
    );
    assert_eq!(
        response("added-response-credential-seconds"),
        response("response-credential")
    );
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
    .replace(", client: None, context: None, variables: Unsupported", "")
    .replace(", variables: Unsupported", "")
}
