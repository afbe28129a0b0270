//! The demo's error.

/// Why a step of the demo failed: the end of a sentence, without its full stop.
pub(crate) type DemoError = Box<dyn std::error::Error + Send + Sync>;
