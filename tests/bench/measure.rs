//! Times, and their statistics.

use std::{
    fmt::{self, Display, Formatter},
    process::Command,
    time::Duration,
};

use claviger::clock::{Clock as _, SystemClock};

/// The times of one operation, sorted.
#[derive(Default)]
pub(crate) struct Samples(Vec<Duration>);

/// A time for the tables: milliseconds with two decimals.
pub(crate) struct Ms(pub(crate) Duration);

impl Samples {
    pub(crate) fn push(&mut self, sample: Duration) {
        let at = self.0.partition_point(|other| *other < sample);
        self.0.insert(at, sample);
    }

    /// The sample that `percent` percent of all samples do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0[rank - 1]
    }

    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }

    pub(crate) fn max(&self) -> Duration {
        self.percentile(100)
    }
}

impl Display for Ms {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ms = format!("{:.2}", self.0.as_secs_f64() * 1e3);
        f.pad(&ms)
    }
}

/// Runs a program, which must succeed; returns how long that took, and its stdout.
pub(crate) fn call(command: &mut Command) -> (Duration, String) {
    let (output, took) = timed(|| command.output().unwrap());
    assert!(output.status.success(), "{output:?}");
    (took, String::from_utf8(output.stdout).unwrap())
}

/// Runs `work`; returns its result and how long it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = SystemClock.now().tick;
    let result = work();
    (result, SystemClock.now().tick.since(start))
}

/// `a` divided by `b`.
pub(crate) fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
