//! The sign-in of a user with a browser, at the identity provider that Vault trusts. See
//! <https://developer.hashicorp.com/vault/docs/auth/jwt#oidc-authentication> and
//! <https://developer.hashicorp.com/vault/api-docs/auth/jwt#oidc-authorization-url-request>.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use url::Url;
use vaultrs::api::auth::oidc::requests::OIDCAuthRequest;

use super::{
    method::{self, Login, LoginMethod, RefusedLogin},
    proven::ProvenSecret,
};
use crate::{
    clock::Timestamp,
    secret::Secret,
    source::{
        SourceError,
        vault::{
            claims::LoginClaims,
            request::{OidcCallback, SecretRequest},
            response::{self, AuthResponse, MalformedResponse},
            status,
            transport::Transport,
        },
    },
};

/// `method = "oidc"`.
#[derive(Clone)]
pub(in super::super) struct OidcLogin {
    mount: String,
    /// `None`: the default role of the mount point.
    role: Option<String>,
}

/// The page that a user opens to sign in.
pub(in super::super) struct SignInPage {
    pub(in super::super) url: Url,
    /// What the redirect at the end of the sign-in repeats.
    pub(in super::super) state: Secret,
}

/// The `data` of the response with the page's address.
#[derive(Deserialize)]
struct PageData {
    /// Empty if Vault has refused, for reasons that it writes to its log only.
    auth_url: String,
    /// Set if the redirect does not go to the client: OpenBao's callback modes "direct" and
    /// "device".
    state: Option<Secret>,
}

impl OidcLogin {
    pub(in super::super) fn new(mount: String, role: Option<String>) -> Self {
        Self { mount, role }
    }

    /// Asks for the page of a sign-in that ends with a redirect to `redirect_uri`.
    ///
    /// # Errors
    ///
    /// [`SourceError::LoginRefused`] with what to change at the role; else as
    /// [`LoginMethod::log_in`].
    pub(in super::super) async fn page(
        &self,
        transport: &Transport,
        redirect_uri: &Url,
        client_nonce: &Secret,
        now: Timestamp,
    ) -> Result<SignInPage, SourceError> {
        let host = &transport.address.name;
        let request = OIDCAuthRequest {
            mount: self.mount.clone(),
            ..OIDCAuthRequest::default()
        };
        let mut fields = vec![
            ("redirect_uri", redirect_uri.as_str()),
            ("client_nonce", client_nonce.expose()),
        ];
        fields.extend(self.role.iter().map(|role| ("role", role.as_str())));
        let request = SecretRequest::new(&request, &fields);
        let sent = transport.call(None, request, now).await;
        let body = sent.map_err(|error| {
            let refused = RefusedLogin {
                secret: None,
                // No secret of the user's is in the request.
                is_proven: true,
                hint: format!("check 'auth.role': {} must exist", self.named_role()),
                if_not_mounted: "; check 'auth.mount' and 'namespace'",
            };
            refused.error(host, error)
        })?;
        let data = response::parse::<PageData>(&body)
            .map_err(|error| status::malformed(host, &error))?
            .data;
        let data = data.ok_or_else(|| malformed(host, "contains no address"))?;
        self.check(host, redirect_uri, data)
    }

    /// The page in `data`, unless the role does not fit.
    fn check(
        &self,
        host: &str,
        redirect_uri: &Url,
        data: PageData,
    ) -> Result<SignInPage, SourceError> {
        let role = self.named_role();
        if data.auth_url.is_empty() {
            let (path, redirect) = (redirect_uri.path(), "http://127.0.0.1");
            return Err(refused(
                host,
                format!("it offers no sign-in for {role} and redirects to '{redirect_uri}'"),
                format!(
                    "ask the administrator of '{host}' to add '{redirect}{path}' to \
                     'allowed_redirect_uris' of {role}; if it is there, the log of '{host}' says \
                     what is wrong"
                ),
            ));
        }
        if data.state.is_some() {
            return Err(refused(
                host,
                format!("{role} does not redirect to the client"),
                format!(
                    "ask the administrator of '{host}' to set 'callback_mode' of {role} to \"client\""
                ),
            ));
        }
        let url = Url::parse(&data.auth_url).ok();
        let url = url.filter(|url| matches!(url.scheme(), "https" | "http"));
        let url = url.ok_or_else(|| malformed(host, "contains an invalid address"))?;
        let parameter = |name| {
            let mut pairs = url.query_pairs();
            pairs.find_map(|(key, value)| (key == name).then_some(value))
        };
        if parameter("response_mode").is_some_and(|mode| mode == "form_post") {
            return Err(refused(
                host,
                "the redirect of its sign-in is a form".to_owned(),
                format!(
                    "ask the administrator of '{host}' to set 'oidc_response_mode' of 'auth/{}' to \
                     \"query\"",
                    self.mount
                ),
            ));
        }
        let state = parameter("state").map(|state| Secret::new(state.into_owned()));
        let state = state.ok_or_else(|| malformed(host, "contains an address without 'state'"))?;
        Ok(SignInPage { url, state })
    }

    /// Ends a sign-in: exchanges the `code` of the redirect for a token.
    ///
    /// # Errors
    ///
    /// As [`LoginMethod::log_in`].
    pub(in super::super) async fn exchange(
        &self,
        transport: &Transport,
        page: &SignInPage,
        code: &Secret,
        client_nonce: &Secret,
        now: Timestamp,
    ) -> Result<AuthResponse, SourceError> {
        let host = &transport.address.name;
        let login = Login {
            request: OidcCallback {
                mount: &self.mount,
                state: &page.state,
                code,
                client_nonce,
            },
            secret: Some(code),
            identity: "",
            proven: &ProvenSecret::default(),
            hint: format!(
                "run claviger login again; if that is refused too, ask the administrator of '{host}' about {}",
                self.named_role()
            ),
        };
        let mut auth = method::submit(transport, login, now).await?;
        auth.claims = Some(Arc::new(LoginClaims {
            values: auth.metadata.take().unwrap_or_default(),
            user: Some(std::mem::take(&mut auth.entity_id)).filter(|id| !id.is_empty()),
            host: host.clone(),
            place: format!("'claim_mappings' of {} on '{host}'", self.named_role()),
        }));
        Ok(auth)
    }

    fn named_role(&self) -> String {
        match &self.role {
            Some(role) => format!("the role '{role}' of 'auth/{}'", self.mount),
            None => format!("the default role of 'auth/{}'", self.mount),
        }
    }
}

#[async_trait]
impl LoginMethod for OidcLogin {
    /// Fails: only a user can sign in.
    async fn log_in(
        &self,
        transport: &Transport,
        _: Timestamp,
    ) -> Result<AuthResponse, SourceError> {
        Err(SourceError::LoginRequired {
            host: transport.address.name.clone(),
            reason: "no user is signed in, or the last sign-in has expired".to_owned(),
            hint: None,
        })
    }

    fn needs_user(&self) -> bool {
        true
    }
}

fn refused(host: &str, reason: String, hint: String) -> SourceError {
    SourceError::LoginRefused {
        host: host.to_owned(),
        reason,
        hint,
        is_final: false,
    }
}

fn malformed(host: &str, problem: &str) -> SourceError {
    let reason = format!("the response to a sign-in {problem}");
    status::malformed(host, &MalformedResponse(reason))
}
