//! The authorization code flow with PKCE (RFC 6749, section 4.1; RFC 7636; RFC 9700, section 2.1).

use async_trait::async_trait;
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use url::Url;

use super::{
    super::server::{AuthorizationRequest, Grant},
    UserSignIn,
};
use crate::{
    secret::Secret,
    source::{Authorization, Login, SourceError, random},
};

/// A sign-in under way in a browser.
pub(super) struct BrowserAuthorization {
    sign_in: UserSignIn,
    url: Url,
    redirect_uri: Url,
    state: Secret,
    nonce: Secret,
    verifier: Secret,
    issuer: Option<String>,
}

impl BrowserAuthorization {
    /// Starts a sign-in that redirects to `redirect_uri`.
    ///
    /// # Errors
    ///
    /// [`SourceError`] if the server cannot be discovered.
    pub(super) async fn start(
        sign_in: UserSignIn,
        redirect_uri: &Url,
    ) -> Result<Self, SourceError> {
        let client = &sign_in.client;
        let [state, nonce, verifier] = [
            random::text(&client.name)?,
            random::text(&client.name)?,
            random::text(&client.name)?,
        ];
        let offer = client.server.offer().await?;
        let request = AuthorizationRequest {
            redirect_uri,
            state: &state,
            nonce: &nonce,
            code_challenge: &challenge(&verifier),
        };
        Ok(Self {
            url: client.server.authorization_url(&request).await?,
            redirect_uri: redirect_uri.clone(),
            state,
            nonce,
            verifier,
            issuer: offer.sends_issuer.then_some(offer.issuer),
            sign_in,
        })
    }
}

#[async_trait]
impl Authorization for BrowserAuthorization {
    fn url(&self) -> &Url {
        &self.url
    }

    fn state(&self) -> &Secret {
        &self.state
    }

    fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    async fn complete(self: Box<Self>, code: Secret) -> Result<Login, SourceError> {
        let client = &self.sign_in.client;
        let grant = Grant::Code {
            code: &code,
            redirect_uri: &self.redirect_uri,
            verifier: &self.verifier,
        };
        let response = client.server.token(grant).await;
        let response = response.map_err(|error| client.error(error))?;
        self.sign_in.finish(&response, Some(&self.nonce)).await
    }

    fn refused(&self, error: &str, description: Option<&str>) -> SourceError {
        self.sign_in.client.sign_in_refused(error, description)
    }
}

/// The S256 challenge of `verifier` (RFC 7636, section 4.2).
fn challenge(verifier: &Secret) -> String {
    let hash = digest::digest(&digest::SHA256, verifier.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(challenge(&verifier), expected);
    }
}
