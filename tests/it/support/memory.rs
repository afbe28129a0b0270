//! The memory of a process, searched for secrets. Linux shows it to root, whatever the process has
//! asked the kernel for.

use std::{
    fmt::{self, Debug, Formatter},
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use memchr::memmem;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::poll::{SOON, until_blocking};

/// A secret in the forms in which a process may have it.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    /// What it is, for messages.
    pub(crate) name: &'static str,
    forms: Vec<Vec<u8>>,
}

/// Where a process has a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Copy {
    mapping: String,
    offset: usize,
    /// `VmFlags` of the mapping: see proc_pid_smaps(5).
    flags: String,
}

/// A debugger that waits for the end of a process.
pub(crate) struct ExitWatch {
    gdb: Child,
    directory: TempDir,
}

impl Needle {
    /// A key, token or password.
    pub(crate) fn text(name: &'static str, text: &str) -> Self {
        let forms = vec![text.trim().as_bytes().to_vec()];
        Self { name, forms }
    }

    /// The secret of an OAuth client, as it is and in an `Authorization` header (RFC 7617).
    pub(crate) fn client_secret(client: &str, secret: &str) -> Self {
        let header = STANDARD.encode(format!("{client}:{secret}"));
        let forms = [secret, &header].map(|form| form.as_bytes().to_vec());
        Self {
            name: "client secret",
            forms: forms.to_vec(),
        }
    }

    /// An Ed25519 key of PKCS #8 in PEM: the base64 of the file, and the 32 secret bytes, which DER
    /// and a parsed key contain.
    pub(crate) fn signing_key(pem: &str) -> Self {
        let lines: Vec<_> = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(lines.concat()).unwrap();
        assert_eq!(der[14..16], [4, 32], "expected an Ed25519 key");
        let forms = vec![lines[0].as_bytes().to_vec(), der[16..48].to_vec()];
        let name = "signing key";
        Self { name, forms }
    }

    /// How many times `bytes` contain it.
    pub(crate) fn count_in(&self, bytes: &[u8]) -> usize {
        let counts = self.forms.iter();
        counts
            .map(|form| memmem::find_iter(bytes, form).count())
            .sum()
    }

    /// The copies in all mappings of a process, which is halted meanwhile.
    pub(crate) fn copies(&self, pid: Pid) -> Vec<Copy> {
        kill_process(pid, Signal::STOP).unwrap();
        let halted = until_blocking(SOON, || state(pid) == Some('T'));
        let copies = self.search(pid);
        kill_process(pid, Signal::CONT).unwrap();
        assert!(halted, "the process cannot be halted");
        copies
    }

    fn search(&self, pid: Pid) -> Vec<Copy> {
        let mut copies = Vec::new();
        let memory = File::open(proc(pid, "mem")).unwrap();
        for mapping in mappings(pid) {
            let mut bytes = vec![0; mapping.len];
            if memory.read_exact_at(&mut bytes, mapping.start).is_err() {
                // Pages of devices, such as `[vvar]`, cannot be read, by gdb either.
                assert!(mapping.name.starts_with("[v"), "{}", mapping.name);
                continue;
            }
            for form in &self.forms {
                let found = memmem::find_iter(&bytes, form);
                copies.extend(found.map(|offset| Copy {
                    mapping: mapping.name.clone(),
                    offset,
                    flags: mapping.flags.clone(),
                }));
            }
        }
        copies
    }
}

impl Copy {
    /// Whether the mapping has this flag.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.split(' ').any(|own| own == flag)
    }
}

impl Debug for Copy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} + {:#x} ({})", self.mapping, self.offset, self.flags)
    }
}

/// A core of a running process, as the kernel would write it: without the mappings that the process
/// excludes.
pub(crate) fn core(pid: Pid) -> Vec<u8> {
    let directory = TempDir::new().unwrap();
    let mut gdb = gdb(pid, &core_command(directory.path()));
    let output = gdb.stdout(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::read(core_file(directory.path())).unwrap()
}

impl ExitWatch {
    /// Attaches to a process, which runs on.
    pub(crate) fn attach(pid: Pid) -> Self {
        let directory = TempDir::new().unwrap();
        let attached = directory.path().join("attached");
        let gdb = gdb(
            pid,
            &[
                // The signals are the process's own affair.
                "handle all nostop noprint pass".to_owned(),
                "catch syscall exit_group".to_owned(),
                format!("shell touch {}", attached.display()),
                "continue".to_owned(),
                // All that there is, excluded mappings too.
                "set use-coredump-filter off".to_owned(),
                "set dump-excluded-mappings on".to_owned(),
            ]
            .into_iter()
            .chain(core_command(directory.path()))
            .collect::<Vec<_>>(),
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
        assert!(until_blocking(SOON, || attached.exists()), "gdb attaches");
        Self { gdb, directory }
    }

    /// Waits for the process's end; returns all of its memory at its last system call.
    pub(crate) fn last_memory(mut self) -> Vec<u8> {
        let ended = until_blocking(SOON, || matches!(self.gdb.try_wait(), Ok(Some(_))));
        assert!(ended, "gdb waits for the end of the process");
        fs::read(core_file(self.directory.path())).unwrap()
    }
}

impl Drop for ExitWatch {
    fn drop(&mut self) {
        let _ = self.gdb.kill();
        let _ = self.gdb.wait();
    }
}

/// A part of a process's memory.
struct Mapping {
    name: String,
    start: u64,
    len: usize,
    flags: String,
    /// Whether it has pages that are not those of a file.
    is_written: bool,
}

/// The mappings with pages that the process has written, in memory or in swap. The rest contains
/// nothing, as the reserve of the allocator, or what is in a file, as the program's code.
fn mappings(pid: Pid) -> Vec<Mapping> {
    let mut mappings = Vec::<Mapping>::new();
    for line in fs::read_to_string(proc(pid, "smaps")).unwrap().lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap();
        if let Some((start, end)) = first.split_once('-') {
            let [start, end] = [start, end].map(|at| u64::from_str_radix(at, 16).unwrap());
            mappings.push(Mapping {
                name: words.nth(4).unwrap_or("[anonymous]").to_owned(),
                start,
                len: usize::try_from(end - start).unwrap(),
                flags: String::new(),
                is_written: false,
            });
            continue;
        }
        let mapping = mappings.last_mut().unwrap();
        match first {
            "Private_Dirty:" | "Shared_Dirty:" | "Anonymous:" | "Swap:" => {
                mapping.is_written |= words.next() != Some("0");
            }
            "VmFlags:" => mapping.flags = words.collect::<Vec<_>>().join(" "),
            _ => {}
        }
    }
    mappings.retain(|mapping| mapping.is_written);
    mappings
}

fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(proc(pid, "stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn proc(pid: Pid, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{file}", pid.as_raw_nonzero()))
}

fn gdb(pid: Pid, commands: &[String]) -> Command {
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-iex", "set auto-load off"])
        .args(["-iex", "set debuginfod enabled off"])
        .args(["-p", &pid.as_raw_nonzero().to_string()])
        .stdin(Stdio::null());
    for command in commands {
        gdb.args(["-ex", command]);
    }
    gdb
}

fn core_command(directory: &Path) -> [String; 1] {
    [format!(
        "generate-core-file {}",
        core_file(directory).display()
    )]
}

fn core_file(directory: &Path) -> PathBuf {
    directory.join("core")
}
