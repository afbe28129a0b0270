//! A source that runs a program: whatever else there is to get a key from.
//!
//! No shell; standard input empty; the environment is the daemon's own, the directory `/`. On standard output the program
//! prints the bare key, or one JSON object `{"token": "…", "expires_at": "RFC 3339"}` (`expires_at` may be missing), and
//! ends with 0.

mod output;
mod run;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{Source, SourceError};
use crate::{
    clock::Clock,
    config::{ExecConfig, Ttl},
    credential::Credential,
    principal::Principal,
};

/// Runs a program for each credential.
pub(crate) struct ExecSource {
    argv: Vec<String>,
    timeout: Duration,
    ttl: Option<Duration>,
    clock: Arc<dyn Clock>,
}

impl ExecSource {
    /// `name` is the source's in the configuration.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] where a placeholder has no value or there is no command.
    pub(crate) fn new(
        name: &str,
        config: &ExecConfig,
        principal: &Principal,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let argv = config
            .command
            .iter()
            .map(|word| super::resolve(name, "command", word, principal))
            .collect::<Result<Vec<_>, _>>()?;
        if argv.is_empty() {
            return Err(SourceError::Configuration {
                reason: format!("'source.{name}.command' is empty"),
                hint: "give the program's absolute path and its arguments".to_owned(),
            });
        }
        Ok(Self {
            argv,
            timeout: config.timeout.get(),
            ttl: config.ttl.map(Ttl::get),
            clock,
        })
    }
}

#[async_trait]
impl Source for ExecSource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        // Before the program runs: a `ttl` may count from the moment that it makes the key.
        let obtained = self.clock.now();
        let stdout = run::run(&self.argv, self.timeout).await?;
        let printed = output::parse(self.host(), &stdout, obtained.wall)?;
        Ok(Credential {
            secret: printed.key,
            obtained,
            lifetime: printed.lifetime.or(self.ttl),
            version: None,
            lease: None,
        })
    }

    fn host(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }
}
