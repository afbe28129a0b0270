//! The fuzz targets of authorization servers' responses.

pub use super::provider::fuzzing::{discovery, id_token, token_response};
