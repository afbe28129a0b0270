//! The search for secrets in what the programs print, log and write.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use rustix::process::Pid;

/// Secrets, and the texts that must not contain them.
#[derive(Default)]
pub(super) struct Canary {
    secrets: Vec<String>,
    texts: Vec<RecordedText>,
}

struct RecordedText {
    origin: String,
    text: String,
}

impl Canary {
    /// Adds a secret, unless it is too short to be searched for: `root` is part of many texts.
    pub(super) fn add_secret(&mut self, value: &str) {
        let value = value.trim();
        if value.len() >= 8 {
            self.secrets.push(value.to_owned());
        }
    }

    /// Records a text that must not contain a secret.
    pub(super) fn record(&mut self, origin: &str, text: &str) {
        self.texts.push(RecordedText {
            origin: origin.to_owned(),
            text: text.to_owned(),
        });
    }

    /// Records a process's command line and environment, except `variables`, which the test set.
    pub(super) fn record_process(&mut self, pid: Pid, variables: &HashMap<String, String>) {
        let proc = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
        for file in ["cmdline", "environ"] {
            // A hardened process denies access to these files.
            if let Ok(bytes) = fs::read(proc.join(file)) {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let text = variables
                    .values()
                    .filter(|value| !value.is_empty())
                    .fold(text, |text, value| text.replace(value, ""));
                self.record(&format!("the daemon's {file}"), &text);
            }
        }
    }

    /// Records all files below `directory`.
    pub(super) fn record_files(&mut self, directory: &Path) {
        let Ok(entries) = fs::read_dir(directory) else {
            return;
        };
        for entry in entries {
            let entry = entry.unwrap();
            let file_type = entry.file_type().unwrap();
            if file_type.is_dir() {
                self.record_files(&entry.path());
            } else if file_type.is_file() {
                let bytes = fs::read(entry.path()).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                self.record(&entry.path().display().to_string(), &text);
            }
        }
    }

    /// Every recorded text that contains a secret, with its origin; the secret is replaced.
    pub(super) fn leaks(&self) -> Vec<String> {
        let mut leaks = Vec::new();
        for RecordedText { origin, text } in &self.texts {
            for secret in &self.secrets {
                if text.contains(secret) {
                    leaks.push(format!("{origin}: {:?}", text.replace(secret, "<SECRET>")));
                }
            }
        }
        leaks
    }
}
