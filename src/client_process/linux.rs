//! `/proc/PID/stat` and `/proc/PID/exe`. See proc_pid_stat(5) and proc_pid_exe(5).

use std::{
    fs::{self, File},
    io::Read as _,
    path::PathBuf,
};

use super::Process;
use crate::trust::{ExecutedFile, ManagedOwner, TrustError};

/// The unit of start times, in microseconds: `USER_HZ` is 100 on every architecture that Rust has a
/// standard library for.
const TICK: u64 = 10_000;

/// More than a `stat` file is long: 52 fields of at most 20 digits, and a name.
const STAT_SIZE: usize = 2048;

/// The process `pid`, without its executable.
pub(super) fn describe(pid: u32) -> Option<Process> {
    // In one read: for each request several of these files are looked at.
    let mut stat = [0; STAT_SIZE];
    let mut file = File::open(format!("/proc/{pid}/stat")).ok()?;
    let length = file.read(&mut stat).ok()?;
    parse(pid, stat.get(..length)?)
}

/// The executable; `None` if the system does not reveal it: of another user's process, or of one
/// that is not dumpable.
pub(super) fn executable(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// The path of the file that the process `pid` executes, and the ruling on that file, whatever has
/// its name by now; `None` if the system does not reveal it.
pub(super) fn judged(pid: u32, owner: &ManagedOwner) -> Option<(PathBuf, Result<(), TrustError>)> {
    let file = ExecutedFile::of(pid).ok()?;
    Some((file.path().to_owned(), owner.executed(&file)))
}

/// Parses the file; `None` for a process that has ended and that its parent has not waited for. The
/// name is in parentheses and may itself contain some: the last one ends it. The system cuts it
/// after 15 bytes, maybe within a character.
fn parse(pid: u32, stat: &[u8]) -> Option<Process> {
    let stat = String::from_utf8_lossy(stat);
    let (head, tail) = stat.rsplit_once(") ")?;
    let (_, name) = head.split_once('(')?;
    // `tail` starts at the third field: state, ppid (4th), …, starttime (22nd).
    let mut fields = tail.split(' ');
    if fields.next()? == "Z" {
        return None;
    }
    Some(Process {
        pid,
        parent: fields.next()?.parse().ok()?,
        name: name.to_owned(),
        executable: None,
        started: fields.nth(17)?.parse::<u64>().ok()?.checked_mul(TICK)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_contain_parentheses_and_spaces() {
        let stat = "4711 (a) b (c) S 42 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 5 6";
        let expected = Process {
            pid: 4711,
            parent: 42,
            name: "a) b (c".to_owned(),
            executable: None,
            started: 9_876_540_000,
        };
        assert_eq!(parse(4711, stat.as_bytes()), Some(expected));
    }

    #[test]
    fn a_name_may_be_cut_within_a_character() {
        let mut stat = b"4711 (claude-\xc3) ".to_vec();
        stat.extend(b"S 42 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 5 6");
        let process = parse(4711, &stat).unwrap();
        assert_eq!(process.name, "claude-\u{fffd}");
        assert_eq!(process.parent, 42);
    }

    #[test]
    fn a_zombie_has_ended() {
        let stat = "4711 (a) Z 42 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 5 6";
        assert_eq!(parse(4711, stat.as_bytes()), None);
    }

    #[test]
    fn start_times_are_in_microseconds_since_the_boot() {
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let own = describe(std::process::id()).unwrap();
        let started = std::time::Duration::from_micros(own.started);
        let age = seconds - started.as_secs_f64();
        // These tests take seconds.
        assert!((-1.0..600.0).contains(&age), "{age} s");
    }
}
