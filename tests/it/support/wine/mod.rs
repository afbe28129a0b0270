//! Wine, which runs the programs of Windows.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use tempfile::TempDir;
use tokio::process::Command;

use super::{test_env::ProgramOutput, tools::tool};

/// A Windows of its own, below `target/`. Its processes end when it is dropped.
pub(crate) struct Wine {
    prefix: TempDir,
}

impl Wine {
    /// A fresh Windows, with the library that Wine lacks and Rust's std needs.
    pub(crate) async fn new() -> Self {
        let wine = Self::booted().await;
        let library = tool("wine64").with_file_name("../wine/bcryptprimitives.dll");
        let system = wine.path(r"C:\windows\system32\bcryptprimitives.dll");
        fs::copy(library, system).unwrap();
        wine
    }

    /// What `wineboot` makes. It was seen to end with code 127 and "dl-fini.c" once: the dynamic
    /// linker of Linux fails while one of Wine's own processes ends.
    async fn booted() -> Self {
        let mut failures = Vec::new();
        while failures.len() < 3 {
            let wine = Self {
                prefix: TempDir::with_prefix_in("wine-", env!("CARGO_TARGET_TMPDIR")).unwrap(),
            };
            let output = wine.run("wineboot", &["-i"]).await;
            if output.code == Some(0) {
                return wine;
            }
            failures.push(output);
        }
        panic!("Wine makes no Windows: {failures:?}");
    }

    /// The command that runs a program of Windows, by its name or its path there.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(tool("wine64"));
        command.arg(program).args(args);
        command.env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", self.prefix.path());
        command.env("WINEPREFIX", self.prefix.path());
        // Wine's own remarks, and its questions for Mono and Gecko.
        command.env("WINEDEBUG", "-all");
        command.env("WINEDLLOVERRIDES", "mscoree,mshtml=");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a program of Windows to its end. Its output goes to files, because processes that it
    /// leaves behind, such as Wine's own services, inherit the ends of pipes.
    pub(crate) async fn run(&self, program: &str, args: &[&str]) -> ProgramOutput {
        let files = TempDir::new_in(self.prefix.path()).unwrap();
        let [out, err] = ["out", "err"].map(|name| files.path().join(name));
        let mut command = self.command(program, args);
        command.stdout(File::create(&out).unwrap());
        command.stderr(File::create(&err).unwrap());
        let status = command.status().await.unwrap();
        ProgramOutput::from(Output {
            status,
            stdout: fs::read(out).unwrap(),
            stderr: fs::read(err).unwrap(),
        })
    }

    /// The processes of this Windows that run a program with this file name.
    pub(crate) fn processes(&self, name: &str) -> Vec<u32> {
        let prefix = format!("WINEPREFIX={}", self.prefix.path().display());
        let entries = fs::read_dir("/proc").unwrap();
        let pids = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        pids.filter(|pid| {
            let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let has = |bytes: Vec<u8>, is: &dyn Fn(&str) -> bool| {
                bytes
                    .split(|byte| *byte == 0)
                    .any(|part| is(&String::from_utf8_lossy(part)))
            };
            let end = format!(r"\{name}");
            has(read("environ"), &|part| part == prefix)
                && has(read("cmdline"), &|part| part.ends_with(&end))
        })
        .collect()
    }

    /// The path by which Linux reaches a file on drive C.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        let path = path.strip_prefix(r"C:\").expect("a path on drive C");
        self.prefix
            .path()
            .join("drive_c")
            .join(path.replace('\\', "/"))
    }

    /// The path by which Windows reaches a file of Linux.
    pub(crate) fn foreign(path: &Path) -> String {
        format!("Z:{}", path.display()).replace('/', r"\")
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        for argument in ["--kill", "--wait"] {
            let _ = std::process::Command::new(tool("wineserver"))
                .arg(argument)
                .env("WINEPREFIX", self.prefix.path())
                .status();
        }
    }
}
