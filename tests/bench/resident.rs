//! The daemon's size and its activity while it is idle, beside those of a `bao agent`.

use std::{fs, path::Path, time::Duration};

use rustix::process::Pid;

use crate::{
    fixture::{BenchFixture, KEY},
    measure::Ms,
    support::{bao::BaoAgent, process::binary, tools::tool},
};

/// The time without a request: shorter than the default watch interval of 30 s.
const IDLE: Duration = Duration::from_secs(10);

/// By then the daemon has closed its idle connection to Vault, and has nothing left to do.
const SETTLED: Duration = Duration::from_secs(3);

/// What a process has used so far, all its threads together.
#[derive(Clone, Copy, Default)]
pub(crate) struct ProcessUsage {
    pub(crate) cpu: Duration,
    wakeups: u64,
}

pub(crate) async fn run() {
    let fixture = BenchFixture::new().await;
    fixture.env.helper().await.printed(KEY);
    let daemon = fixture.env.daemon_pid().unwrap();
    let agent = BaoAgent::start(&fixture.bao, &fixture.role).await;
    let processes = [
        ("claviger daemon", daemon),
        ("bao agent", Pid::from_child(&agent.child)),
    ];

    // The passing of time is what is measured.
    tokio::time::sleep(SETTLED).await;
    let before = processes.map(|(_, pid)| usage(pid));
    tokio::time::sleep(IDLE).await;
    println!("\n{IDLE:?} without a request      memory, MB    CPU time   wake-ups");
    for ((name, pid), before) in processes.iter().zip(before) {
        let after = usage(*pid);
        println!(
            "  {name:28} {:>8.1} {:>11} {:>10}",
            resident(*pid),
            Ms(after.cpu.saturating_sub(before.cpu)),
            after.wakeups - before.wakeups,
        );
    }

    println!("\nprograms                      on disk, MB");
    let [claviger, shim] = ["claviger", "claviger-helper"].map(binary);
    for (name, file) in [
        ("claviger", claviger),
        ("claviger-helper", shim),
        ("bao", tool("bao")),
    ] {
        println!("  {name:28} {:>8.1}", megabytes(&file));
    }
}

/// Reads the scheduler's statistics, in nanoseconds: proc_pid_stat(5) has only hundredths of a
/// second.
pub(crate) fn usage(pid: Pid) -> ProcessUsage {
    let mut usage = ProcessUsage::default();
    for task in fs::read_dir(format!("{}/task", proc(pid))).unwrap() {
        let task = task.unwrap().path();
        let schedstat = fs::read_to_string(task.join("schedstat")).unwrap();
        let running = schedstat.split(' ').next().unwrap();
        usage.cpu += Duration::from_nanos(running.parse().unwrap());
        usage.wakeups += number(&task, "voluntary_ctxt_switches");
    }
    usage
}

/// Resident memory in MB.
fn resident(pid: Pid) -> f64 {
    number(Path::new(&proc(pid)), "VmRSS") as f64 / 1024.0
}

/// The number `name` in a `status` file: see proc_pid_status(5).
fn number(directory: &Path, name: &str) -> u64 {
    let status = fs::read_to_string(directory.join("status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = line.unwrap().split_whitespace().next();
    value.unwrap().parse().unwrap()
}

fn megabytes(file: &Path) -> f64 {
    fs::metadata(file).unwrap().len() as f64 / 1024.0 / 1024.0
}

fn proc(pid: Pid) -> String {
    format!("/proc/{}", pid.as_raw_nonzero())
}
