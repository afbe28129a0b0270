//! What stays on a developer's machine, and what it does while nobody asks.

use std::{fs, path::Path, process::Child, time::Duration};

use rustix::process::Pid;

use crate::{
    fixture::{BenchFixture, KEY, plain},
    measure::Ms,
    support::{
        poll::{SOON, until},
        test_env::binary,
        tools::tool,
    },
};

/// How long nobody asks: less than lies between two looks at the version, which come every 30 s while the key is in use.
const IDLE: Duration = Duration::from_secs(10);

/// What a process has done so far, all its threads together.
#[derive(Clone, Copy, Default)]
struct Done {
    cpu: Duration,
    wakeups: u64,
}

/// Killed when dropped.
struct Agent(Child);

pub(crate) async fn run() {
    let fixture = BenchFixture::new().await;
    fixture.env.helper().await.printed(KEY);
    let daemon = fixture.env.daemon_pid().unwrap();
    let agent = agent(&fixture).await;
    let processes = [
        ("claviger daemon", daemon),
        ("bao agent", Pid::from_child(&agent.0)),
    ];

    let before = processes.map(|(_, pid)| done(pid));
    // The time is what is measured.
    tokio::time::sleep(IDLE).await;
    println!("\n{IDLE:?} of nobody asking       memory, MB    CPU time   wake-ups");
    for ((name, pid), before) in processes.iter().zip(before) {
        let after = done(*pid);
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

/// OpenBao's own answer, logged in with the same role: it has done so when the token is in its sink.
async fn agent(fixture: &BenchFixture) -> Agent {
    let role_id = fixture.env.file("agent-role-id", &fixture.role.role_id);
    let secret_id = fixture
        .env
        .secret_file("agent-secret-id", &fixture.role.secret_id);
    let sink = fixture.env.path("secrets/agent-token");
    let config = fixture.env.file(
        "agent.hcl",
        &format!(
            r#"
vault {{ address = "{}" }}
auto_auth {{
  method "approle" {{
    config = {{
      role_id_file_path = "{role_id}"
      secret_id_file_path = "{secret_id}"
      remove_secret_id_file_after_reading = false
    }}
  }}
  sink "file" {{ config = {{ path = "{}" }} }}
}}
api_proxy {{ use_auto_auth_token = true }}
listener "unix" {{
  address = "{}"
  tls_disable = true
}}
"#,
            fixture.bao.url(),
            sink.display(),
            fixture.env.path("run/agent.sock").display(),
        ),
    );
    let mut command = plain(&tool("bao"));
    let log = fs::File::create(fixture.env.path("agent.log")).unwrap();
    command
        .args(["agent", "-config", &config])
        .env("HOME", fixture.env.path("home"))
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let agent = Agent(command.spawn().unwrap());
    until("the agent has logged in", SOON, async || sink.exists()).await;
    agent
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// By the scheduler's own count, in nanoseconds: proc_pid_stat(5) has hundredths of a second only.
fn done(pid: Pid) -> Done {
    let mut done = Done::default();
    for task in fs::read_dir(format!("{}/task", proc(pid))).unwrap() {
        let task = task.unwrap().path();
        let schedstat = fs::read_to_string(task.join("schedstat")).unwrap();
        let running = schedstat.split(' ').next().unwrap();
        done.cpu += Duration::from_nanos(running.parse().unwrap());
        done.wakeups += number(&task, "voluntary_ctxt_switches");
    }
    done
}

/// Resident memory in MB.
fn resident(pid: Pid) -> f64 {
    number(Path::new(&proc(pid)), "VmRSS") as f64 / 1024.0
}

/// A number of a `status` file: see proc_pid_status(5).
fn number(directory: &Path, name: &str) -> u64 {
    let status = fs::read_to_string(directory.join("status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let word = line.unwrap().split_whitespace().next();
    word.unwrap().parse().unwrap()
}

fn megabytes(file: &Path) -> f64 {
    fs::metadata(file).unwrap().len() as f64 / 1024.0 / 1024.0
}

fn proc(pid: Pid) -> String {
    format!("/proc/{}", pid.as_raw_nonzero())
}
