//! A call while the daemon has the key: how long a client waits for its helper.

use std::path::Path;

use crate::{
    fixture::{BenchFixture, KEY, plain, shim},
    measure::{Ms, Samples, call, ratio},
};

/// The number of calls of each program, in turn.
const CALLS: usize = 1_000;

pub(crate) async fn run() {
    let fixture = BenchFixture::new().await;
    let env = &fixture.env;
    let line = format!("{KEY}\n");
    let mut cat = plain(Path::new("/bin/cat"));
    cat.arg(env.write_file("line", &line));
    let mut programs = [
        ("claviger-helper", shim(env), line.as_str()),
        ("cat FILE", cat, line.as_str()),
        ("true", plain(Path::new("/bin/true")), ""),
    ];
    // A client that caches and calls this often looks as if it got a 401 each time, and the daemon
    // would fetch another key. A cache lifetime of 0 avoids that.
    programs[0].1.env("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "0");
    // This call starts the daemon.
    assert_eq!(call(&mut programs[0].1).1, line);

    let mut samples: [Samples; 3] = Default::default();
    for _ in 0..CALLS {
        for ((_, command, expected), samples) in programs.iter_mut().zip(&mut samples) {
            let (took, printed) = call(command);
            assert_eq!(&printed, expected);
            samples.push(took);
        }
    }
    let (logins, reads) = fixture.logins_and_reads();
    assert_eq!(logins, 1);
    assert!(reads * 100 < CALLS, "{reads} reads for {CALLS} calls");

    println!("\nwarm call, {CALLS} of each, in turn      p50       p99   p50 ÷ cat's");
    let cat = samples[1].median();
    for ((name, ..), samples) in programs.iter().zip(&samples) {
        println!(
            "  {name:28} {:>9} {:>9} {:>13.2}",
            Ms(samples.median()),
            Ms(samples.percentile(99)),
            ratio(samples.median(), cat),
        );
    }
}
