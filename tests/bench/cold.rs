//! The first call of all: the daemon is started, logs in and reads the key.

use rustix::process::Signal;
use serde_json::json;

use crate::{
    measure::{Ms, Samples, call, ratio},
    scene::{KEY, Scene, shim},
};

/// So many starts, and as many calls of the peer, in turn.
const STARTS: usize = 20;

pub(crate) async fn run() {
    let scene = Scene::new().await;
    let mut shim = shim(&scene.machine);
    let mut peer = scene.bao_get(&scene.bao.token(json!({})).await);
    let [mut cold, mut get] = <[Samples; 2]>::default();
    for start in 1..=STARTS {
        let (took, printed) = call(&mut shim);
        assert_eq!(printed.trim_end(), KEY);
        cold.push(took);
        let (took, printed) = call(&mut peer);
        assert_eq!(printed.trim_end(), KEY);
        get.push(took);
        assert_eq!(scene.asked(), (start, 2 * start), "logins and reads");
        scene.machine.kill_daemon(Signal::KILL);
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
