//! The crate's messages as the frozen version 1 sees them.

use claviger_wire::{Format, Request, Response};

use crate::{
    plain::{of_request, of_response},
    v1,
};

/// The same request as an old program sees it.
pub(crate) fn request(request: Request) -> v1::Request {
    match request {
        Request::Acquire(acquire) => v1::Request::Acquire(v1::Acquire {
            profile: acquire.profile,
            gateway: acquire.gateway,
            cache_lifetime_ms: acquire.cache_lifetime_ms,
            format: match acquire.format {
                // The shim prints, so that an unknown format makes no difference.
                Format::Key | Format::Oauth => v1::Format::Key,
                Format::Headers => v1::Format::Headers,
                Format::Json => v1::Format::Json,
            },
            deadline_ms: acquire.deadline_ms,
            reveal: acquire.reveal,
            pid: acquire.pid,
        }),
        Request::Status { profile } => v1::Request::Status { profile },
        Request::Refresh { profile, .. } => v1::Request::Refresh { profile },
        Request::Logout { profile } => v1::Request::Logout { profile },
        Request::Stop => v1::Request::Stop,
        later => {
            let (kind, _) = of_request(&later);
            v1::Request::Unknown { kind }
        }
    }
}

/// The same response as an old program sees it.
pub(crate) fn response(response: Response) -> v1::Response {
    match response {
        Response::Credential {
            token, expires_at, ..
        } => v1::Response::Credential {
            token: v1::Token::new(token.expose().to_vec()),
            expires_at,
        },
        Response::Failure(failure) => v1::Response::Failure(v1::Failure {
            code: failure.code.as_byte(),
            message: failure.message,
            hint: failure.hint,
        }),
        Response::Report(json) => v1::Response::Report(json),
        Response::Done => v1::Response::Done,
        Response::Unsupported { version } => v1::Response::Unsupported { version },
        later => {
            let (kind, _) = of_response(&later);
            v1::Response::Unknown { kind }
        }
    }
}

/// The same response with a code that this version knows: others are read as 8.
pub(crate) fn with_known_code(response: v1::Response) -> v1::Response {
    match response {
        v1::Response::Failure(failure) if !(2..=8).contains(&failure.code) => {
            v1::Response::Failure(v1::Failure { code: 8, ..failure })
        }
        known => known,
    }
}
