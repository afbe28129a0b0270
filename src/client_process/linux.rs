//! `/proc/PID/stat`. See proc_pid_stat(5).

use std::fs;

use super::Process;

pub(super) fn look_up(pid: u32) -> Option<Process> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Parses the file; `None` for a process that has ended and that its parent has not waited for. The
/// name is in parentheses and may itself contain some: the last one ends it.
fn parse(stat: &str) -> Option<Process> {
    let (head, tail) = stat.rsplit_once(") ")?;
    let (_, name) = head.split_once('(')?;
    // `tail` starts at the third field: state, ppid (4th), …, starttime (22nd).
    let mut fields = tail.split(' ');
    if fields.next()? == "Z" {
        return None;
    }
    Some(Process {
        parent: fields.next()?.parse().ok()?,
        name: name.to_owned(),
        started: fields.nth(17)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_contain_parentheses_and_spaces() {
        let stat = "4711 (a) b (c) S 42 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 5 6";
        let expected = Process {
            parent: 42,
            name: "a) b (c".to_owned(),
            started: 987_654,
        };
        assert_eq!(parse(stat), Some(expected));
    }

    #[test]
    fn a_zombie_has_ended() {
        let stat = "4711 (a) Z 42 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 5 6";
        assert_eq!(parse(stat), None);
    }
}
