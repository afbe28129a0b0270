//! The protocol between claviger-helper, claviger and the daemon, and the one client of the daemon.
//!
//! The shim, the daemon and the command line all use this crate, so that the format, the
//! [`paths`], the [exit codes](ExitCode) and the [text of failures](Failure::to_text) are
//! defined once. It has no dependencies. Only [`client`] does I/O and reads a clock; everything
//! else is bytes in, messages out, and the reverse. This page is the specification of the format.
//!
//! # A connection
//!
//! A client connects to the [socket](paths::socket), writes one request frame and reads response
//! frames until the one that ends the answer. Either side may close the connection after that.
//!
//! | request | answer |
//! |---|---|
//! | acquire | one credential or failure; or variables |
//! | status | one report for the daemon, one for each profile's entry, then done or a failure |
//! | refresh | as status; or variables |
//! | logout | one report for each profile's entry, then done or a failure |
//! | stop | done; or a failure |
//! | login | one report for each step when it happens, then done or a failure; or variables |
//! | metrics | reports: the daemon, each profile's entry, each profile's counters; then done |
//! | lock, unlock | one report of the lock, then done |
//! | a kind that the daemon does not know | unsupported |
//!
//! A failure after reports is that of the first profile that failed, or of the configuration; the
//! report of each profile contains its own.
//!
//! The answer to a login takes as long as the user does. A client that closes the connection before
//! its end cancels the login, unless another client asks for the same one within seconds: both get
//! the same outcome, and the later one first gets the reports that the earlier one has had.
//!
//! The daemon answers variables if it needs variables of the client's environment. The client then
//! sends the request again, on a new connection, with those of them that are set and with no
//! others. To be asked twice is an error.
//!
//! # A frame
//!
//! All numbers are unsigned and big-endian.
//!
//! | bytes | is |
//! |---|---|
//! | 4 | length of the body in bytes, 1 to [`MAX_BODY`]; anything else ends the connection |
//! | 1 | version of the format, [`VERSION`] in this crate; 0 is invalid |
//! | 1 | kind of the message |
//! | rest | fields, in any order, until the body ends |
//!
//! and a field:
//!
//! | bytes | is |
//! |---|---|
//! | 1 | tag |
//! | 2 | length of the value in bytes |
//! | length | value |
//!
//! # Requests
//!
//! | kind | message | tag | field | value | when absent |
//! |---|---|---|---|---|---|
//! | 1 | acquire | 1 | profile | UTF-8, at most [`MAX_TEXT_LEN`] bytes | none named |
//! | | | 2 | gateway | UTF-8, at most [`MAX_TEXT_LEN`] bytes | none known |
//! | | | 3 | cache_lifetime_ms | 8 bytes, milliseconds | error |
//! | | | 4 | format | 1 byte: 0 key, 1 headers, 2 json, 3 oauth; others are read as 0 | key |
//! | | | 5 | deadline_ms | 8 bytes, milliseconds | error |
//! | | | 6 | reveal | 1 byte: 0 no, others yes | no |
//! | | | 7 | pid | 4 bytes | unknown |
//! | | | 8 | variables | 1 byte: 0 unsupported, 2 sent, others on request | unsupported |
//! | | | 9 | client | UTF-8, at most [`MAX_LABEL_LEN`] bytes; others are absent | not named |
//! | | | 10 | context | UTF-8, at most [`MAX_LABEL_LEN`] bytes; others are absent | not stated |
//! | | | 16 | variable, repeated | NAME=VALUE: NAME is UTF-8, VALUE any bytes | not set |
//! | 2 | status | 1 | profile | as above | all |
//! | 3 | refresh | 1 | profile | as above | all |
//! | | | 8, 16 | as of acquire | | |
//! | 4 | logout | 1 | profile | as above | all |
//! | 5 | stop | | | | |
//! | 6 | login | 1 | profile | as above | picked as for acquire |
//! | | | 2 | flow | 1 byte: 1 device, 2 no browser here, others as configured | as configured |
//! | | | 3 | force | 1 byte: 0 no, others yes: even if the login is good | no |
//! | | | 8, 16 | as of acquire | | |
//! | 7 | metrics | | | | |
//! | 8 | lock | | | | |
//! | 9 | unlock | | | | |
//!
//! # Responses
//!
//! | kind | message | tag | field | value | when absent |
//! |---|---|---|---|---|---|
//! | 129 | credential | 1 | token | bytes, at most [`MAX_KEY_LEN`] | error |
//! | | | 2 | expires_at | RFC 3339, at most [`MAX_EXPIRY_LEN`] bytes | no end |
//! | | | 3 | expires_in | 8 bytes, seconds from now until expires_at, rounded down | unknown |
//! | 130 | failure | 1 | code | 1 byte, an [`ExitCode`]; unknown ones are read as 8 | error |
//! | | | 2 | message | UTF-8, at most [`MAX_TEXT_LEN`] bytes | error |
//! | | | 3 | hint | UTF-8, at most [`MAX_TEXT_LEN`] bytes | none |
//! | 131 | report | 1 | json | UTF-8, at most [`MAX_REPORT_LEN`] bytes | error |
//! | 132 | done | | | | |
//! | 133 | unsupported | 1 | version | 1 byte | error |
//! | 134 | variables | 16 | name, repeated | UTF-8, [`MAX_VARIABLE_NAME_LEN`] bytes | none |
//!
//! # Limits
//!
//! [`MAX_BODY`] is the length of a credential with the longest key, and applies to every message.
//! Encoding cannot fail and never writes a longer frame:
//!
//! - profile, gateway, message and hint are truncated to [`MAX_TEXT_LEN`] bytes, between
//!   characters. A profile's name must be shorter than that, so that a truncated name is never
//!   another profile's.
//! - a credential whose token or expires_at is over its limit is encoded as a failure with code 6,
//!   a report that is over its limit as a failure with code 8: half of either is useless.
//! - a client or a context that is over its limit is left out: a part of it would be another one.
//! - expires_in is left out if it does not fit the frame.
//! - variables that do not fit the frame are left out, all of them, as if the client had not been
//!   asked yet. At most [`MAX_VARIABLES`] names are asked for.
//!
//! Decoding is bounded by the frame alone. Whether a client accepts a key is for the reader to
//! check.
//!
//! # Compatibility
//!
//! A shim of one release talks to a daemon of another.
//!
//! - A tag that the reader does not know, for that kind, is skipped.
//! - A tag from 0 to 15 occurs at most once in a message; a repeat is an error. Tags above 15 may
//!   repeat.
//! - A kind that the reader does not know is [`Request::Unknown`] or [`Response::Unknown`]; its
//!   fields are skipped by their lengths. The daemon answers it with unsupported.
//! - A body of a later version is read like one of this version: an addition must keep that
//!   correct, and needs a new kind otherwise.
//! - No tag and no kind is ever reused for something else, and no value changes its width.
//!
//! # Secrets
//!
//! A token is copied once when it is encoded, straight into a frame that does not grow, and once
//! when it is decoded; a variable once more when it is encoded. The owner of a frame or a body with
//! a credential or with variables [wipes](wipe) it after use.
//! Errors name fields, never values. A panic is [reported](on_panic) by its place alone.

mod acquire;
pub mod client;
mod codec;
mod error_text;
mod exit_code;
mod frame;
mod internal_error;
mod key;
mod login;
mod message;
pub mod paths;
mod variables;

pub use self::{
    error_text::{problem, visible, warning},
    exit_code::ExitCode,
    frame::{
        DecodeError, FrameError, HEADER_LEN, MAX_BODY, MAX_EXPIRY_LEN, MAX_LABEL_LEN,
        MAX_REPORT_LEN, MAX_TEXT_LEN, MAX_VARIABLE_NAME_LEN, MAX_VARIABLES, VERSION, body_len,
    },
    internal_error::{internal_error, on_panic},
    key::check_key,
    message::{
        Acquire, Failure, Format, Login, LoginFlow, Request, Response, Token, Variable, Variables,
    },
};

/// The longest key in characters that Claude Code accepts from a helper.
pub const MAX_KEY_LEN: usize = 16_384;

/// Overwrites `bytes`.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // Keeps the compiler from dropping a write to memory that is not read again.
    std::hint::black_box(&*bytes);
}
