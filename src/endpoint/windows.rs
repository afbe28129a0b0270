//! The named pipe.
