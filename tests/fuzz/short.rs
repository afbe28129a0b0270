//! A short run of every fuzz target, without libFuzzer, whose build takes longer than the gate can
//! wait: its corpus, and inputs that are made of it. The inputs are the same in every run; those
//! that are not known yet are for `tests/fuzz/run`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    panic::{RefUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use fastrand::Rng;

/// The inputs that are made of a corpus.
const INPUTS: usize = 4000;

/// The longest of them, in bytes.
const MAX_LEN: usize = 16 * 1024;

/// What decoders trip over.
const WORDS: [&[u8]; 24] = [
    b"\0",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\n",
    b"\r\n",
    b"\x1b[2J",
    b"\xff",
    b"\xef\xbb\xbf",
    "\u{202e}".as_bytes(),
    b"%00",
    b"{",
    b"}",
    b"[[",
    b"]",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"18446744073709551616",
    b"''",
    b" = ",
];

/// A test for each target, and the names of all.
macro_rules! targets {
    ($($target:ident),+ $(,)?) => {
        const TARGETS: &[&str] = &[$(stringify!($target)),+];
        $(
            #[test]
            fn $target() {
                run(stringify!($target), claviger::fuzzing::$target);
            }
        )+
    };
}

targets![
    audit,
    config,
    discovery,
    exec_output,
    foreign_text,
    id_token,
    policy,
    token_response,
    vault_response,
    wire,
];

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

/// The names in a folder of `tests/fuzz`.
fn names(folder: &str) -> BTreeSet<String> {
    let files = fs::read_dir(home().join(folder)).unwrap();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn run(target: &str, function: impl Fn(&[u8]) + RefUnwindSafe) {
    let folder = home().join("corpus").join(target);
    let corpus: BTreeMap<_, _> = names(&format!("corpus/{target}"))
        .into_iter()
        .map(|name| (name.clone(), fs::read(folder.join(&name)).unwrap()))
        .collect();
    for (name, input) in &corpus {
        let result = catch_unwind(|| function(input));
        assert!(
            result.is_ok(),
            "{target} fails: {}",
            folder.join(name).display()
        );
    }
    let corpus: Vec<_> = corpus.into_values().collect();
    let mut rng = Rng::with_seed(1);
    for _ in 0..INPUTS {
        let input = made_of(&corpus, &mut rng);
        if catch_unwind(|| function(&input)).is_err() {
            let file = folder.join("failure");
            fs::write(&file, &input).unwrap();
            panic!(
                "{target} fails; its input is now '{}', where every run starts with it: \
                 cargo test --test fuzz {target}",
                file.display()
            );
        }
    }
}

/// An input of the corpus with a few changes.
fn made_of(corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut input = rng.choice(corpus).unwrap().clone();
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(0..=input.len());
        let end = rng.usize(at..=input.len().min(at + 32));
        match rng.u8(0..8) {
            0 => input.truncate(at),
            1 => drop(input.drain(at..end)),
            2 => input.insert(at, rng.u8(..)),
            3 if at < input.len() => input[at] ^= 1 << rng.u8(0..8),
            4 => {
                let part = input[at..end].to_vec();
                let to = rng.usize(0..=input.len());
                input.splice(to..to, part);
            }
            5 => {
                let other = rng.choice(corpus).unwrap();
                let from = rng.usize(0..=other.len());
                input.splice(at..end, other[from..].iter().copied().take(64));
            }
            _ => {
                let word = rng.choice(WORDS).unwrap();
                input.splice(at..end, word.iter().copied());
            }
        }
    }
    input.truncate(MAX_LEN);
    input
}

/// A target is a file, a program of the workspace, a corpus, and a line above.
#[test]
fn every_target_is_complete() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    let files: BTreeSet<_> = TARGETS.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names("fuzz_targets"), files);
    let manifest = fs::read_to_string(home().join("Cargo.toml")).unwrap();
    assert_eq!(manifest.matches("[[bin]]").count(), targets.len());
    for name in &targets {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
        let file = home().join(format!("fuzz_targets/{name}.rs"));
        let text = fs::read_to_string(file).unwrap();
        assert!(
            text.contains(&format!("claviger::fuzzing::{name}(data)")),
            "{text}"
        );
        assert!(!names(&format!("corpus/{name}")).is_empty(), "{name}");
    }
}
