//! The reports of a login, built from its events.

use crate::{
    clock::{Now, whole_seconds},
    credential::Credential,
    login::{Fallback, LoginEvent},
    login_report::{KeyReport, LoginReport},
    source::{Login, SignIn},
    status_report::UserLoginReport,
};

/// The value of `to` if the user signs in on any device.
const DEVICE: &str = "device";

/// The value of `to` if the user opens the page.
const URL: &str = "url";

/// Returns the report of the login that is in force at `sign_in`.
pub(in crate::server) fn user(sign_in: &dyn SignIn, login: Login) -> UserLoginReport {
    let Login {
        subject,
        name,
        groups,
        signed_in_at,
        expires_at,
        is_renewable,
    } = login;
    UserLoginReport {
        subject,
        name,
        groups,
        signed_in_at: Some(whole_seconds(signed_in_at)),
        expires_at: expires_at.map(whole_seconds),
        renewable: is_renewable,
        warning: sign_in.warning(),
    }
}

/// Returns the report of a key.
pub(in crate::server) fn key(credential: &Credential) -> KeyReport {
    KeyReport {
        fingerprint: credential.fingerprint().to_string(),
        expires_at: credential.expires_at().map(whole_seconds),
    }
}

/// Returns the report of a step; its end is not one.
pub(in crate::server) fn step(event: LoginEvent, now: Now) -> Option<LoginReport> {
    Some(match event {
        LoginEvent::Fallback(fallback) => {
            let (to, reason) = match fallback {
                Fallback::Device => (DEVICE, None),
                Fallback::Url(reason) => (URL, Some(reason)),
            };
            LoginReport::Fallback {
                to: to.to_owned(),
                reason,
            }
        }
        LoginEvent::Browser { url, redirect_port } => LoginReport::Browser {
            url: url.into(),
            redirect_port,
        },
        LoginEvent::Device {
            user_code,
            verification_uri,
            verification_uri_complete,
            expires_at,
        } => {
            let left = expires_at.since(now.tick);
            LoginReport::Device {
                user_code,
                verification_uri,
                verification_uri_complete,
                expires_at: whole_seconds(now.wall.saturating_add(left).unwrap_or(now.wall)),
            }
        }
        LoginEvent::Exchanging => LoginReport::Exchanging,
        LoginEvent::Ended(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::{Tick, Timestamp};

    #[test]
    fn the_end_of_a_code_is_a_time_of_the_wall_clock() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let now = Now {
            tick: Tick(Duration::from_secs(100)),
            wall: at(1_800_000_000),
        };
        for (expires_at, expected) in [(400, 300), (100, 0), (0, 0)] {
            let event = LoginEvent::Device {
                user_code: "A-B".to_owned(),
                verification_uri: "https://idp.test/device".to_owned(),
                verification_uri_complete: None,
                expires_at: Tick(Duration::from_secs(expires_at)),
            };
            let Some(LoginReport::Device { expires_at, .. }) = step(event, now) else {
                panic!("no report");
            };
            assert_eq!(expires_at, at(1_800_000_000 + expected));
        }
    }
}
