//! A policy on a server for files, with a conditional request (RFC 9110, section 13.1.2).

use async_trait::async_trait;
use reqwest::{Method, StatusCode, header};

use super::{super::file::MAX_ETAG, Fetched, Publisher};
use crate::{
    config::{NetworkConfig, PolicyUrl},
    network::{BodyError, ClientSettings, RequestSecrets},
    policy::{LOOK_TIMEOUT, MAX_LEN},
    principal::Principal,
};

/// A server for files.
pub(super) struct HttpPublisher {
    url: PolicyUrl,
    network: NetworkConfig,
}

impl HttpPublisher {
    pub(super) fn new(url: &PolicyUrl, network: &NetworkConfig) -> Self {
        Self {
            url: url.clone(),
            network: network.clone(),
        }
    }
}

#[async_trait]
impl Publisher for HttpPublisher {
    async fn fetch(&self, etag: Option<&str>) -> Result<Fetched, String> {
        let url = self.url.as_url();
        let principal = Principal::of_this_machine();
        // Built for each look, so that a new 'ca_file' is read.
        let client = ClientSettings::new(url.clone(), &self.network, &principal, LOOK_TIMEOUT)
            .map(|settings| settings.with_redirects(Vec::new()))
            .and_then(|settings| settings.build())
            .map_err(|error| error.reason)?;
        let mut request = client.request(Method::GET, url.clone());
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let response = client.send(request, &RequestSecrets::default()).await;
        let response = response.map_err(|error| error.to_string())?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if etag.is_some() => return Ok(Fetched::Unchanged),
            status => return Err(format!("unexpected status {}", status.as_u16())),
        }
        if response.is_page() {
            return Err("the answer is a web page".to_owned());
        }
        let etag = response.header(header::ETAG).map(str::to_owned);
        let body = response.body(MAX_LEN + 1).await;
        let body = body.map_err(|error| match error {
            BodyError::Transport(error) => error.to_string(),
            BodyError::TooLarge => format!("the answer is larger than {} KiB", MAX_LEN / 1024),
        })?;
        Ok(Fetched::Text {
            text: body.to_vec(),
            etag: etag.filter(|etag| etag.len() <= MAX_ETAG),
        })
    }
}
