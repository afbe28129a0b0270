//! A call without a daemon: the shim starts it, and it logs in and reads the key.

use rustix::process::Signal;
use serde_json::json;

use crate::{
    fixture::{BenchFixture, KEY, shim},
    measure::{Ms, Samples, call, ratio},
};

/// The number of starts, and of calls of the peer, in turn.
const STARTS: usize = 20;

pub(crate) async fn run() {
    let fixture = BenchFixture::new().await;
    let mut shim = shim(&fixture.env);
    let mut peer = fixture.bao_get(&fixture.bao.create_token(json!({})).await);
    let [mut cold, mut get] = <[Samples; 2]>::default();
    for start in 1..=STARTS {
        let (took, printed) = call(&mut shim);
        assert_eq!(printed.trim_end(), KEY);
        cold.push(took);
        let (took, printed) = call(&mut peer);
        assert_eq!(printed.trim_end(), KEY);
        get.push(took);
        assert_eq!(
            fixture.logins_and_reads(),
            (start, 2 * start),
            "logins and reads"
        );
        fixture.env.kill_daemon(Signal::KILL);
    }

    println!("\ncold start, {STARTS} of each, in turn        p50       max   p50 ÷ peer's");
    let peer = get.median();
    for (name, samples) in [
        ("claviger-helper, no daemon", &cold),
        ("bao kv get -field, token", &get),
    ] {
        println!(
            "  {name:28} {:>9} {:>9} {:>14.2}",
            Ms(samples.median()),
            Ms(samples.max()),
            ratio(samples.median(), peer),
        );
    }
}
