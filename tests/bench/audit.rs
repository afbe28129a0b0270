//! What the audit log costs a request for a cached key: the daemon's round trip without the start
//! of a shim, with the log and without it.

use std::time::Duration;

use claviger_wire::{Acquire, Format, Request, Response, Variables, client::Client};

use crate::{
    fixture::BenchFixture,
    measure::{Samples, ratio, timed},
    support::TestEnv,
};

/// The number of requests of each kind, in turn.
const REQUESTS: usize = 5_000;

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
    for _ in 0..REQUESTS {
        for (fixture, samples) in fixtures.iter().zip(&mut samples) {
            let (answer, took) = timed(|| request(&fixture.env));
            assert!(matches!(answer[..], [Response::Credential { .. }]));
            samples.push(took);
        }
    }
    let records = fixtures[0].env.status().await["daemon"]["audit_records"].clone();
    assert!(
        records.as_u64().unwrap() >= REQUESTS as u64,
        "{records} records"
    );
    println!("\na request for a cached key, {REQUESTS} of each, in turn, in µs     p50       p99");
    for (name, samples) in ["with the audit log", "without it"].iter().zip(&samples) {
        println!(
            "  {name:58} {:>9.1} {:>9.1}",
            micros(samples.median()),
            micros(samples.percentile(99)),
        );
    }
    let [with, without] = samples;
    println!("  p50 ÷ p50 {:.3}", ratio(with.median(), without.median()));
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
