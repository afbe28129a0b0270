//! The places of the daemon that this process's environment leads to.

use std::path::Path;

use claviger_wire::{Failure, client::Client};

use crate::{
    config::{self, Locations},
    environment::{self, Account},
    paths::{Places, Starter},
};

/// The places of a daemon, and the files that may contain its configuration.
pub(super) struct DaemonPlaces {
    pub(super) account: Option<Account>,
    pub(super) places: Places,
    pub(super) locations: Locations,
    /// Whether a managed configuration forbids other places.
    pub(super) is_managed: bool,
}

/// Returns the places for this process's environment.
///
/// # Errors
///
/// Those of [`Places::of_this_process`].
pub(super) fn of(starter: Starter) -> Result<DaemonPlaces, Failure> {
    let account = environment::account();
    let is_managed = config::forbids_overrides(&Locations::known(None, None));
    let home = account.as_ref().map(|account| account.home.as_path());
    let home = home.filter(|home| home.is_absolute() && *home != Path::new("/"));
    let places = Places::of_this_process(starter, home, is_managed)?;
    let locations = Locations::of_this_machine(None, |name| places.variables.get(name));
    Ok(DaemonPlaces {
        account,
        places,
        locations,
        is_managed,
    })
}

/// Returns a client of the daemon at these places.
///
/// # Errors
///
/// As [`of`].
pub(super) fn client() -> Result<Client, Failure> {
    Ok(Client::new(of(Starter::Client)?.places.daemon))
}
