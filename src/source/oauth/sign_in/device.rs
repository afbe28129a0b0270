//! The device authorization flow (RFC 8628).

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    super::{
        client::{Meaning, meaning},
        server::{DeviceCode, Grant, TokenError},
    },
    UserSignIn,
    poll::{PollResult, PollSchedule},
};
use crate::{
    clock::Tick,
    source::{DeviceAuthorization, Login, SourceError},
};

/// A sign-in under way on another device.
pub(super) struct DeviceCodeAuthorization {
    sign_in: UserSignIn,
    code: DeviceCode,
}

impl DeviceCodeAuthorization {
    /// Asks for a device code.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if the server has no device flow; else its error.
    pub(super) async fn start(sign_in: UserSignIn) -> Result<Self, SourceError> {
        let client = &sign_in.client;
        if !client.server.offer().await?.has_device_flow {
            return Err(SourceError::Configuration {
                reason: format!("'{}' does not offer the device flow", client.host()),
                hint: format!("set 'flow = \"browser\"' for source '{}'", client.name),
            });
        }
        let code = client.server.device_code().await;
        let code = code.map_err(|error| client.error(error))?;
        Ok(Self { sign_in, code })
    }

    /// The error that ends the sign-in, or what it means for the next poll.
    fn judge(&self, error: TokenError) -> Result<PollResult, SourceError> {
        let client = &self.sign_in.client;
        match error {
            TokenError::Refused {
                code,
                description,
                status,
                retry_after,
            } => match code.as_str() {
                "slow_down" => Ok(PollResult::SlowDown { retry_after }),
                // Some servers limit the rate with the status alone.
                "authorization_pending" if status == 429 => {
                    Ok(PollResult::SlowDown { retry_after })
                }
                "authorization_pending" => Ok(PollResult::Pending { retry_after }),
                "expired_token" => Err(client.login_required(EXPIRED)),
                other if meaning(other, status) == Meaning::Temporary => {
                    Ok(PollResult::Pending { retry_after })
                }
                _ => Err(client.error(TokenError::Refused {
                    code,
                    description,
                    status,
                    retry_after,
                })),
            },
            TokenError::Lost(_) => Ok(PollResult::NoAnswer),
            TokenError::Other(error) => match error {
                SourceError::Unreachable { .. } => Ok(PollResult::NoAnswer),
                SourceError::Unavailable { retry_after, .. } => {
                    Ok(PollResult::Pending { retry_after })
                }
                // A captive portal, a proxy or a balancer has answered.
                SourceError::WebPage { .. }
                | SourceError::Malformed { .. }
                | SourceError::Redirected { .. } => Ok(PollResult::NoAnswer),
                other => Err(other),
            },
        }
    }
}

/// Why a code that was not entered is of no use.
const EXPIRED: &str = "the code has expired before the user entered it";

#[async_trait]
impl DeviceAuthorization for DeviceCodeAuthorization {
    fn user_code(&self) -> &str {
        &self.code.user_code
    }

    fn verification_uri(&self) -> &str {
        &self.code.verification_uri
    }

    fn verification_uri_complete(&self) -> Option<&str> {
        self.code.verification_uri_complete.as_deref()
    }

    fn expires_at(&self) -> Tick {
        self.code.obtained.tick + self.code.lifetime
    }

    async fn complete(self: Box<Self>) -> Result<Login, SourceError> {
        let client = Arc::clone(&self.sign_in.client);
        let mut schedule = PollSchedule::new(&self.code);
        while let Some(at) = schedule.next_poll() {
            client.clock.sleep_until(at).await;
            match client
                .server
                .token(Grant::Device(&self.code.device_code))
                .await
            {
                Ok(response) => return self.sign_in.finish(&response, None).await,
                Err(error) => {
                    let result = self.judge(error)?;
                    schedule.on_result(client.clock.now().tick, result);
                }
            }
        }
        client.clock.sleep_until(self.expires_at()).await;
        Err(client.login_required(EXPIRED))
    }
}
