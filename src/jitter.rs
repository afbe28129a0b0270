//! Chance, injected.

use std::sync::Arc;

/// A source of random numbers, each from 0 up to 1.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Returns random numbers that differ from machine to machine.
#[must_use]
pub fn system_jitter() -> Jitter {
    Arc::new(fastrand::f64)
}
