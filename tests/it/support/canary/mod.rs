//! The search for secrets in what the programs print, log and write.
//!
//! At its end every test with a [`TestEnv`](super::TestEnv) searches all of these; one with a
//! [`UserManager`](super::user_manager::UserManager) searches those with a star, and the journal:
//!
//! - the daemon's log and the older one, at the level `trace`: files of the state directory
//! - \* the audit log, receipts, sealed logins, the socket's directory: files
//! - \* HOME, the configuration and temporary files: all but those that the test wrote, as long as
//!   they are as it wrote them
//! - stdout and stderr of each `claviger`
//! - \* stderr of the shims and of all other programs of the test
//! - \* the command line and the environment of each daemon, read while it runs
//! - those of the programs of `exec` sources, which record them themselves
//!
//! The secrets are those that the test [adds](Canary::add_secret), the content of its secret files,
//! each key that a shim has printed, and all that the servers and fixtures of the test have
//! [issued]: tokens, secret-ids, passwords, private keys. Each is searched for as it is and in the
//! [encodings] in which programs repeat what they were given. Packed files are unpacked.

mod encodings;
pub(crate) mod issued;

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use aho_corasick::AhoCorasick;
use flate2::read::MultiGzDecoder;
use rustix::process::Pid;

/// Files with what the test wrote into them.
pub(crate) type Inputs = HashMap<PathBuf, Vec<u8>>;

/// The shortest secret that is searched for: `root` is part of many texts.
const MIN_LENGTH: usize = 8;

/// How much of an encoded secret is searched for: a longer one is found by its start, also if it is
/// cut. A JWT is told from others within this length.
const MAX_LENGTH: usize = 128;

/// Secrets, and the texts that must not contain them.
#[derive(Default)]
pub(crate) struct Canary {
    secrets: BTreeSet<String>,
    texts: Vec<RecordedText>,
    /// The processes that are recorded.
    pids: Vec<Pid>,
}

struct RecordedText {
    origin: String,
    text: Vec<u8>,
}

impl Canary {
    /// Adds a secret, unless it is too short to be searched for; of one with several lines, such as
    /// a key in PEM, each line.
    pub(crate) fn add_secret(&mut self, value: &str) {
        let lines = value.lines().map(str::trim);
        let secrets = lines.filter(|line| line.len() >= MIN_LENGTH && !line.starts_with("-----"));
        self.secrets.extend(secrets.map(str::to_owned));
    }

    /// Records a text that must not contain a secret.
    pub(crate) fn record(&mut self, origin: &str, text: impl Into<Vec<u8>>) {
        let (origin, text) = (origin.to_owned(), text.into());
        if text.starts_with(&[0x1f, 0x8b]) {
            let mut unpacked = Vec::new();
            // A test may have cut it.
            let _ = MultiGzDecoder::new(&*text).read_to_end(&mut unpacked);
            self.record(&format!("unpacked {origin}"), unpacked);
        }
        self.texts.push(RecordedText { origin, text });
    }

    /// Records a process's command line and environment, once, except the values of `variables`,
    /// which the test set.
    pub(crate) fn record_process(&mut self, pid: Pid, variables: &HashMap<String, String>) {
        if self.pids.contains(&pid) {
            return;
        }
        let proc = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
        for file in ["cmdline", "environ"] {
            // It may have ended; for other users than root a hardened process denies access.
            let Ok(bytes) = fs::read(proc.join(file)) else {
                return;
            };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let text = variables
                .values()
                .filter(|value| !value.is_empty())
                .fold(text, |text, value| text.replace(value, ""));
            self.record(
                &format!("the {file} of process {}", pid.as_raw_nonzero()),
                text,
            );
        }
        self.pids.push(pid);
    }

    /// Records all files below `directory`, except those of `inputs` that nothing has changed.
    pub(crate) fn record_files(&mut self, directory: &Path, inputs: &Inputs) {
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            entries => entries.unwrap_or_else(|error| panic!("{}: {error}", directory.display())),
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            // A program that the test runs may still remove its files.
            let Ok(found) = fs::symlink_metadata(&path) else {
                continue;
            };
            if found.is_dir() {
                self.record_files(&path, inputs);
            } else if found.is_file()
                && let Ok(bytes) = fs::read(&path)
                && inputs.get(&path) != Some(&bytes)
            {
                self.record(&path.display().to_string(), bytes);
            }
        }
    }

    /// Every recorded text that contains a secret, with its origin and what surrounds the secret.
    pub(crate) fn leaks(&self) -> Vec<String> {
        let needles = self.secrets.iter().flat_map(|secret| encodings::of(secret));
        let needles =
            needles.map(|needle| needle[..needle.floor_char_boundary(MAX_LENGTH)].to_owned());
        let needles: BTreeSet<_> = needles
            .filter(|needle| needle.len() >= MIN_LENGTH)
            .collect();
        let searched = AhoCorasick::new(&needles).unwrap();
        let mut leaks = Vec::new();
        for RecordedText { origin, text } in &self.texts {
            if let Some(found) = searched.find(text) {
                leaks.push(format!("{origin}: {}", surroundings(text, found.range())));
            }
        }
        leaks
    }
}

/// The text around a secret, which is replaced.
fn surroundings(text: &[u8], secret: std::ops::Range<usize>) -> String {
    let before = &text[secret.start.saturating_sub(200)..secret.start];
    let after = &text[secret.end..text.len().min(secret.end + 100)];
    let [before, after] = [before, after].map(String::from_utf8_lossy);
    format!("{before:?} <SECRET> {after:?}")
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, process::Command};

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::support::poll::{SOON, until_blocking};

    const SECRET: &str = "sk-canary-\"planted\"+4f/=";

    fn canary() -> Canary {
        let mut canary = Canary::default();
        canary.add_secret(SECRET);
        canary
    }

    /// The only leak, whose origin must contain `origin`.
    #[track_caller]
    fn assert_found(canary: &Canary, origin: &str) {
        let leaks = canary.leaks();
        assert!(leaks.len() == 1 && leaks[0].contains(origin), "{leaks:#?}");
        assert!(leaks[0].contains("<SECRET>") && !leaks[0].contains("planted"));
    }

    #[test]
    fn a_secret_in_a_text_is_found_in_any_encoding() {
        for encoded in encodings::of(SECRET) {
            let mut canary = canary();
            canary.record("stderr", format!("first line\nx{encoded}x"));
            canary.record("stdout", "nothing");
            assert_found(&canary, "stderr");
        }
    }

    #[test]
    fn a_long_secret_is_found_although_it_is_cut() {
        let mut canary = Canary::default();
        canary.add_secret(&"sk-canary".repeat(2000));
        canary.record("stderr", format!("got {}…", "sk-canary".repeat(20)));
        assert_eq!(canary.leaks().len(), 1);
    }

    #[test]
    fn every_line_of_a_private_key_is_a_secret() {
        let mut canary = Canary::default();
        canary.add_secret("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n4fjq29Dk01ab\nx==\n");
        canary.record("stderr", "-----BEGIN PRIVATE KEY-----");
        assert_eq!(canary.leaks(), Vec::<String>::new());
        canary.record("log", "unreadable: 4fjq29Dk01ab");
        assert_eq!(canary.leaks().len(), 1);
    }

    #[test]
    fn a_secret_in_a_file_is_found_unless_the_test_wrote_it() {
        let home = tempfile::tempdir().unwrap();
        let input = home.path().join("token");
        fs::write(&input, SECRET).unwrap();
        let mut inputs = Inputs::from([(input.clone(), SECRET.into())]);
        let mut clean = canary();
        clean.record_files(home.path(), &inputs);
        assert_eq!(clean.leaks(), Vec::<String>::new());

        for path in [
            "daemon.log",
            "daemon.log.1",
            "audit.log",
            "logins/sealed",
            ".cache/a/b",
        ] {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(
                &path,
                [b"\xff\0".as_slice(), SECRET.as_bytes(), b"\xfe"].concat(),
            )
            .unwrap();
            let mut canary = canary();
            canary.record_files(home.path(), &inputs);
            assert_found(&canary, path.to_str().unwrap());
            fs::remove_file(path).unwrap();
        }

        // The program has changed it.
        inputs.insert(input.clone(), b"another text".to_vec());
        let mut canary = canary();
        canary.record_files(home.path(), &inputs);
        assert_found(&canary, "token");
    }

    #[test]
    fn a_secret_in_a_packed_file_is_found() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(SECRET.as_bytes()).unwrap();
        let mut canary = canary();
        canary.record("bundle.tar.gz", packed.finish().unwrap());
        assert_found(&canary, "unpacked bundle.tar.gz");
    }

    #[test]
    fn a_secret_in_an_argument_or_the_environment_of_a_process_is_found() {
        for (args, variable, origin) in [
            (["-c", "read line; # 1", SECRET], "", "cmdline"),
            (["-c", "read line; # 1", ""], SECRET, "environ"),
        ] {
            let mut child = Command::new("/bin/sh")
                .args(args)
                .env("VARIABLE", variable)
                .stdin(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let pid = Pid::from_child(&child);
            // `spawn` returns when the program is loaded, just before it has its arguments.
            let environ = format!("/proc/{}/environ", child.id());
            assert!(until_blocking(SOON, || !fs::read(&environ)
                .unwrap()
                .is_empty()));
            let mut found = canary();
            found.record_process(pid, &HashMap::new());
            assert_found(&found, origin);
            let mut set = canary();
            set.record_process(pid, &HashMap::from([("V".to_owned(), SECRET.to_owned())]));
            assert_eq!(set.leaks(), Vec::<String>::new());
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
