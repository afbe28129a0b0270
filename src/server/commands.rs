//! The requests of the commands: status, refresh and logout, for one profile or all.
//!
//! A report is sent for each profile, also if another one fails; the failure of the first profile
//! ends the answer, because a client of an older version expects one answer for all.

use std::{collections::BTreeMap, sync::Arc};

use claviger_wire::{Failure, Response, Variables};

use super::{
    daemon::Daemon,
    limits::{LOGIN_LOOKUP_TIMEOUT, LONGEST_DEADLINE},
    report,
    variables::{self, Received},
};
use crate::{
    broker::Broker,
    clock::{Tick, whole_seconds},
    composition::InForce,
    config::Config,
    error_report,
    logout_report::LogoutReport,
    metrics::MetricsReport,
    source::Source,
    status_report::{DaemonReport, ProfileReport, UserLoginReport},
};

impl Daemon {
    /// Reports the daemon and its profiles. Without a valid configuration the answer is the
    /// daemon's report and the failure.
    pub(super) async fn status(
        &self,
        current: Result<InForce, Failure>,
        profile: Option<&str>,
    ) -> Result<Vec<Response>, Failure> {
        match current {
            Ok(in_force) => {
                let daemon = self.report(Some(&in_force.config));
                let names = named(&in_force.config, profile)?;
                let profiles = self.profile_reports(&in_force, &names).await;
                report::answer(&daemon, &profiles, None)
            }
            Err(failure) => {
                report::answer(&self.report(None), &[] as &[ProfileReport], Some(failure))
            }
        }
    }

    /// Reports the daemon, all profiles and their counters. Without a valid configuration the
    /// answer is the daemon's report.
    pub(super) async fn metrics(
        &self,
        in_force: Option<&InForce>,
    ) -> Result<Vec<Response>, Failure> {
        let mut reports = vec![MetricsReport {
            daemon: Some(self.report(in_force.map(|in_force| &*in_force.config))),
            started_at: Some(whole_seconds(self.started.wall)),
            ..MetricsReport::default()
        }];
        if let Some(in_force) = in_force {
            let names = named(&in_force.config, None)?;
            let entries = self.profile_reports(in_force, &names).await;
            reports.extend(entries.into_iter().map(|entry| MetricsReport {
                entry: Some(Box::new(entry)),
                ..MetricsReport::default()
            }));
            reports.extend(names.iter().map(|name| MetricsReport {
                counts: Some(in_force.broker.counters(name).counts(name)),
                ..MetricsReport::default()
            }));
        }
        report::responses(&reports, None)
    }

    /// Obtains new credentials and waits for all of them, even if one fails.
    pub(super) async fn refresh(
        &self,
        in_force: &InForce,
        profile: Option<&str>,
        variables: &Variables,
    ) -> Result<Vec<Response>, Failure> {
        let names = named(&in_force.config, profile)?;
        let needed = |name: &String| in_force.config.client_variables(name);
        let unused = names
            .iter()
            .filter(|name| !in_force.broker.has_entries(name));
        let variables = match variables::receive(&unused.flat_map(needed).collect(), variables) {
            Ok(Received::All(variables)) => variables,
            Ok(Received::Ask(response)) => return Ok(vec![response]),
            Err(error) => {
                let profile = profile.unwrap_or("all");
                return Err(error_report::of_variables(profile, &error));
            }
        };
        let until = self.until(LONGEST_DEADLINE);
        let mut failures = BTreeMap::new();
        for name in &names {
            let checked = self.check_policy(in_force, name, until).await;
            failures.extend(checked.err().map(|failure| (name.clone(), failure)));
        }
        let mut refreshes = tokio::task::JoinSet::new();
        for name in names.clone() {
            if failures.contains_key(&name) {
                continue;
            }
            let variables = variables.only(&needed(&name));
            let broker = Arc::clone(&in_force.broker);
            refreshes.spawn(async move {
                let refreshed = broker.refresh(&name, &variables, until).await;
                refreshed.err().map(|error| (name, error))
            });
        }
        let failed = refreshes.join_all().await.into_iter().flatten();
        failures.extend(failed.map(|(name, error)| {
            let source = &in_force.config.profiles[&name].source;
            let administrator = in_force.config.ask_administrator();
            let failure = error_report::of_acquire(&name, source, &error, administrator);
            (name, failure)
        }));
        let mut profiles = self.profile_reports(in_force, &names).await;
        for profile in &mut profiles {
            profile.failure = failures.get(&profile.name).map(report::failure);
        }
        let first = failures.pop_first().map(|(_, failure)| failure);
        report::answer(&self.report(Some(&in_force.config)), &profiles, first)
    }

    /// Forgets credentials and logins, and has the sources revoke them.
    pub(super) async fn logout(
        &self,
        in_force: &InForce,
        profile: Option<&str>,
    ) -> Result<Vec<Response>, Failure> {
        let mut by_source: BTreeMap<&String, Vec<String>> = BTreeMap::new();
        for name in named(&in_force.config, profile)? {
            let source = &in_force.config.profiles[&name].source;
            by_source.entry(source).or_default().push(name);
        }
        // Profiles of one source share its login, which the first of them ends. In tasks of the
        // daemon: a client that goes away cancels nothing.
        let logouts: Vec<_> = by_source
            .into_values()
            .map(|names| tokio::spawn(log_out(Arc::clone(&in_force.broker), names)))
            .collect();
        let mut reports: BTreeMap<_, Vec<LogoutReport>> = BTreeMap::new();
        let mut failures = BTreeMap::new();
        for logout in logouts {
            for (name, logged_out) in logout.await.unwrap_or_default() {
                let source = &in_force.config.profiles[&name].source;
                let failure = logged_out.revocation.as_ref().err().map(|error| {
                    let administrator = in_force.config.ask_administrator();
                    error_report::of_revoke(&name, source, error, administrator)
                });
                let report = report::logout(&name, source, &logged_out, failure.as_ref());
                failures.extend(failure.map(|failure| (name.clone(), failure)));
                reports.entry(name).or_default().push(report);
            }
        }
        let first = failures.pop_first().map(|(_, failure)| failure);
        let reports: Vec<_> = reports.into_values().flatten().collect();
        report::responses(&reports, first)
    }

    /// The daemon's report; `config` is the configuration in force.
    fn report(&self, config: Option<&Config>) -> DaemonReport {
        let now = self.clock.now();
        let locked = self.lock.current();
        let audit = self.recorder.status();
        let administrator = config.and_then(Config::ask_administrator);
        let policy = self.policy.status();
        DaemonReport {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: now.tick.since(self.started.tick).as_secs(),
            socket: self.socket.display().to_string(),
            usual_socket: Some(self.is_usual_socket),
            log: self.log.as_ref().map(|log| log.display().to_string()),
            log_error: self.log_error.clone(),
            config: config.map(|config| config.file.display().to_string()),
            config_error: self.composition.last_error().map(|error| error.to_string()),
            locked: locked.is_some(),
            locked_since: locked
                .as_ref()
                .and_then(|lock| lock.since)
                .map(whole_seconds),
            lock_error: self.lock_error(locked),
            audit_error: audit.error,
            audit_records: audit.written,
            audit_lost: audit.lost,
            policy: policy.map(|status| report::policy(status, administrator)),
        }
    }

    async fn profile_reports(&self, in_force: &InForce, names: &[String]) -> Vec<ProfileReport> {
        let now = self.clock.now();
        let until = now.tick + LOGIN_LOOKUP_TIMEOUT;
        let is_locked = self.lock.current().is_some();
        let mut reports = Vec::new();
        for name in names {
            let denial = self.policy_denial(in_force, name);
            let uses_variables = !in_force.config.client_variables(name).is_empty();
            for entry in in_force.broker.snapshots(name) {
                let (snapshot, calibration) = (&entry.snapshot, entry.calibration);
                let login = match is_locked {
                    // A look would read the login from its store.
                    true => None,
                    false => self.login_report(&*entry.source, until).await,
                };
                let profile =
                    report::profile(name, &in_force.config, snapshot, calibration, login, now);
                let profile = ProfileReport {
                    variables: uses_variables.then(|| entry.variables.into()),
                    ..profile
                };
                let profile = match &denial {
                    Some(denial) => report::denied(profile, denial),
                    None => profile,
                };
                reports.push(match is_locked {
                    true => report::locked(profile),
                    false => profile,
                });
            }
        }
        self.release_unused_logins(in_force).await;
        reports
    }

    /// The login of a profile's source, if there is one and the store shows it by `until`.
    async fn login_report(&self, source: &dyn Source, until: Tick) -> Option<UserLoginReport> {
        // An error is that of the next request for the key.
        let sign_in = source.sign_in().ok()??;
        tokio::select! {
            login = sign_in.login() => {
                Some(report::login::user(&*sign_in, login.ok()??))
            }
            () = self.clock.sleep_until(until) => None,
        }
    }
}

async fn log_out(
    broker: Arc<Broker>,
    names: Vec<String>,
) -> Vec<(String, crate::broker::LoggedOut)> {
    let log_out = async {
        let mut done = Vec::new();
        for name in &names {
            let entries = broker.log_out(name).await;
            done.extend(entries.into_iter().map(|entry| (name.clone(), entry)));
        }
        done
    };
    broker.drop_shared_leases(&names, log_out).await
}

/// The profile `profile`; all profiles if it is `None`.
fn named(config: &Config, profile: Option<&str>) -> Result<Vec<String>, Failure> {
    if profile.is_none() {
        return Ok(config.profiles.keys().cloned().collect());
    }
    let selected = config.select(profile, None);
    let (name, _) = selected.map_err(|error| error_report::of_select(&error))?;
    Ok(vec![name.to_owned()])
}
