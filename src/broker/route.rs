//! Where a profile's credential comes from, and which gateway it is for.

use std::{sync::Arc, time::Duration};

use crate::{client_variables::ClientVariables, gateway::Gateway, source::Source};

/// Builds a profile's route for a client's variables. No source and no gateway is asked.
#[derive(Clone)]
pub struct RouteBuilder(Arc<dyn Fn(&ClientVariables) -> Route + Send + Sync>);

impl RouteBuilder {
    /// A builder that calls `build`.
    pub(crate) fn new(build: impl Fn(&ClientVariables) -> Route + Send + Sync + 'static) -> Self {
        Self(Arc::new(build))
    }

    /// The route for a client with these variables.
    pub(super) fn build(&self, variables: &ClientVariables) -> Route {
        (self.0)(variables)
    }
}

/// The same route for all clients.
impl From<Route> for RouteBuilder {
    fn from(route: Route) -> Self {
        Self::new(move |_| route.clone())
    }
}

/// A profile's source, and the gateway that its credential is for.
#[derive(Clone)]
pub struct Route {
    /// The source that issues the credential.
    pub source: Arc<dyn Source>,
    /// The source's name in the configuration, for the log.
    pub source_name: String,
    /// The gateway to probe; `None` if it must not be probed.
    pub gateway: Option<Arc<dyn Gateway>>,
    /// How often the source is asked for a new version while the profile is in use; `None` is
    /// never.
    pub watch: Option<Duration>,
    /// How long a credential without an expiry is served after it was last seen to be current;
    /// `None` is without end.
    pub max_age: Option<Duration>,
}
