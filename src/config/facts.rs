//! What an OAuth source says, for the placeholders of its preset.

use super::table::{OauthConfig, OauthDiscovery, OauthToken};
use crate::preset::{Fact, Facts};

impl OauthConfig {
    /// What is known of this source. The redirect is the one to register: without a port if it may
    /// be any.
    #[must_use]
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = Facts::new(self.token == OauthToken::Id);
        if let OauthDiscovery::Issuer(issuer) = &self.discovery {
            facts.set(Fact::Issuer, issuer.as_str());
        }
        if let Some(client_id) = &self.client_id {
            facts.set(Fact::ClientId, client_id);
        }
        if let Some(audience) = self.audience.as_ref().or(self.resource.as_ref()) {
            facts.set(Fact::Audience, audience);
        }
        facts.set(Fact::Scope, self.scopes.join(" "));
        let port = self.redirect_port.map(|port| format!(":{port}"));
        let port = port.unwrap_or_default();
        let redirect = format!("http://127.0.0.1{port}{}", self.redirect_path);
        facts.set(Fact::RedirectUri, redirect);
        facts
    }
}
