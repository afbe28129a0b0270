//! The integration tests: real servers, real processes.
