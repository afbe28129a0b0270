//! Bodies of frames, right and wrong.

use std::{fs, path::PathBuf};

use claviger_wire::HEADER_LEN;
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::{Index, select},
};

/// The bodies of the golden frames.
fn golden() -> Vec<Vec<u8>> {
    let frames = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frames");
    let files = fs::read_dir(frames).unwrap();
    let mut bodies: Vec<_> = files
        .map(|file| fs::read(file.unwrap().path()).unwrap()[HEADER_LEN..].to_vec())
        .collect();
    bodies.sort();
    bodies
}

/// Bodies of every kind with fields of every form, right and wrong.
fn fields() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte % 10]),
        vec(any::<u8>(), 4..=4),
        vec(any::<u8>(), 8..=8),
        vec(any::<u8>(), 0..12),
        "[a-zü=]{0,12}".prop_map(String::into_bytes),
        "[a-z]{60,70}".prop_map(String::into_bytes),
        "[A-Z]{1,3}=[a-z]{0,4}".prop_map(String::into_bytes),
    ];
    let kind = prop_oneof![0..=9_u8, 128..=136_u8, any::<u8>()];
    let tag = prop_oneof![Just(16_u8), 0..=11_u8, any::<u8>()];
    // Most fields once, in any order.
    let fields = vec((tag, value), 0..9).prop_shuffle();
    let version = prop_oneof![Just(1_u8), 0..=2_u8];
    (version, kind, fields).prop_map(|(version, kind, fields)| {
        let mut body = vec![version, kind];
        for (tag, value) in fields {
            body.extend([tag, 0, value.len() as u8]);
            body.extend(value);
        }
        body
    })
}

/// Golden bodies with a few bytes changed, inserted or removed.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), 0..4_u8, any::<u8>());
    (select(golden()), vec(change, 0..4)).prop_map(|(mut body, changes)| {
        for (index, change, byte) in changes {
            let at = index.index(body.len().max(1));
            match change {
                0 if at < body.len() => body[at] = byte,
                1 if at < body.len() => body[at] ^= 1 << (byte % 8),
                2 => body.insert(at, byte),
                _ => drop(body.splice(at.min(body.len()).., [])),
            }
        }
        body
    })
}

pub(crate) fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![fields(), mutated(), vec(any::<u8>(), 0..60)]
}
