//! What the audit log costs a request for a cached key: the daemon's round trip without the start
//! of a shim, with the log and without it.

use std::time::Duration;

use claviger_wire::{Acquire, Format, Request, Response, Variables, client::Client};

use crate::{
    fixture::BenchFixture,
    measure::{Samples, ratio, timed},
    resident::usage,
    support::TestEnv,
};

/// The number of requests of each kind, in turn.
const REQUESTS: u32 = 5_000;

pub(crate) async fn run() {
    let with = BenchFixture::new().await;
    let without = BenchFixture::new().await;
    without
        .env
        .edit_config(|config| format!("{config}\n[audit]\nenabled = false\n"));
    let fixtures = [with, without];
    let mut samples: [Samples; 2] = Default::default();
    for fixture in &fixtures {
        fixture.env.helper().await;
    }
    let daemons = fixtures
        .each_ref()
        .map(|fixture| fixture.env.daemon_pid().unwrap());
    let before = daemons.map(usage);
    for number in 0..REQUESTS {
        // Each kind as often first as second: the machine is another one after a request.
        let first = usize::from(number % 2 == 0);
        for kind in [first, 1 - first] {
            let (answer, took) = timed(|| request(&fixtures[kind].env));
            assert!(matches!(answer[..], [Response::Credential { .. }]));
            samples[kind].push(took);
        }
    }
    let after = daemons.map(usage);
    let records = fixtures[0].env.status().await["daemon"]["audit_records"].clone();
    assert!(
        records.as_u64().unwrap() >= u64::from(REQUESTS),
        "{records} records"
    );
    println!("\na cached key, {REQUESTS} requests, µs        p50       p99   CPU of the daemon");
    let mut cpu = [Duration::ZERO; 2];
    for (kind, name) in ["with the audit log", "without it"].iter().enumerate() {
        cpu[kind] = after[kind].cpu.saturating_sub(before[kind].cpu) / REQUESTS;
        println!(
            "  {name:34} {:>8.1} {:>9.1} {:>19.1}",
            micros(samples[kind].median()),
            micros(samples[kind].percentile(99)),
            micros(cpu[kind]),
        );
    }
    let [with, without] = samples.map(|samples| samples.median());
    println!(
        "  ratio {:>37.2} {:>29.2}",
        ratio(with, without),
        ratio(cpu[0], cpu[1]),
    );
}

/// Requests the key as a shim does. A cache lifetime of 0 keeps the daemon from taking the next
/// request for one after a 401.
fn request(env: &TestEnv) -> Vec<Response> {
    let request = || {
        Request::Acquire(Acquire {
            profile: None,
            gateway: None,
            cache_lifetime_ms: 0,
            format: Format::Key,
            deadline_ms: 8_000,
            reveal: false,
            pid: None,
            client: None,
            context: None,
            variables: Variables::default(),
        })
    };
    let client = Client::at(env.socket()).unwrap();
    client.request(request).unwrap().unwrap()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
