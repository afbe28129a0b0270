//! How long things took.

use std::{
    fmt::{self, Display, Formatter},
    process::Command,
    time::Duration,
};

use claviger::clock::{Clock as _, SystemClock};

/// What one thing took, time after time.
#[derive(Default)]
pub(crate) struct Samples(Vec<Duration>);

/// A time as the tables have it.
pub(crate) struct Ms(pub(crate) Duration);

impl Samples {
    pub(crate) fn push(&mut self, sample: Duration) {
        let at = self.0.partition_point(|other| *other < sample);
        self.0.insert(at, sample);
    }

    /// The sample that so many percent of all are not over.
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

/// Runs a program to its end; how long that took, and what it printed, which it must have done with code 0.
pub(crate) fn call(command: &mut Command) -> (Duration, String) {
    let (output, took) = timed(|| command.output().unwrap());
    assert!(output.status.success(), "{output:?}");
    (took, String::from_utf8(output.stdout).unwrap())
}

/// How long `work` took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = SystemClock.now().tick;
    let result = work();
    (result, SystemClock.now().tick.since(start))
}

/// How many times `b` is in `a`.
pub(crate) fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
