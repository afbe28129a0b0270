//! A source that runs a program, for credentials that no other source type can fetch.
//!
//! The program runs without a shell, with empty standard input, in the directory `/`, with a
//! daemon's environment, and apart from any terminal. It prints a key in one of the forms of
//! [`output`] on standard output and exits with status 0; with status 3 if a person must log in
//! first. Its standard error is read only if it fails: on success it may contain anything.
//!
//! A program that takes too long is killed with all its children. Children that it leaves behind
//! when it exits, such as an agent, go on, and are not waited for if they keep its output open.

#[cfg(feature = "test-util")]
pub(crate) mod fuzzing;
mod output;
mod pipe;
mod process_group;
mod program;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use self::program::Program;
use super::{Source, SourceError};
use crate::{
    clock::Clock,
    config::{ExecConfig, Ttl},
    credential::Credential,
    principal::Principal,
};

/// Runs a program for each credential. It keeps no secret.
pub(crate) struct ExecSource {
    program: Program,
    ttl: Option<Duration>,
    clock: Arc<dyn Clock>,
}

impl ExecSource {
    /// Resolves the command of the source `name`. The program is not run yet.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if a placeholder has no value or the command is empty.
    pub(crate) fn new(
        name: &str,
        config: &ExecConfig,
        principal: &Principal,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let argv = config
            .command
            .iter()
            .map(|argument| super::resolve(name, "command", argument, principal))
            .collect::<Result<Vec<_>, _>>()?;
        if argv.is_empty() {
            return Err(SourceError::Configuration {
                reason: format!("'source.{name}.command' is empty"),
                hint: "set it to the program's absolute path and its arguments".to_owned(),
            });
        }
        Ok(Self {
            program: Program::new(name, argv, config.timeout.get()),
            ttl: config.ttl.map(Ttl::get),
            clock,
        })
    }
}

#[async_trait]
impl Source for ExecSource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        // Before the program runs: the `ttl` may start when the program creates the key.
        let obtained = self.clock.now();
        let stdout = self.program.run().await?;
        let printed = output::parse(self.host(), &stdout, obtained.wall)?;
        Ok(Credential {
            secret: printed.key,
            obtained,
            issued: None,
            lifetime: printed.lifetime.or(self.ttl),
            version: None,
            lease: None,
        })
    }

    fn host(&self) -> &str {
        self.program.path()
    }
}
