//! Logins of profiles whose source the test controls.

mod prompt;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::*;
use crate::{
    broker::{AcquireRequest, Broker, Route},
    client_variables::ClientVariables,
    clock::{Clock, ManualClock, Now, Timestamp},
    config::{self, Locations, Origin},
    credential::Credential,
    desktop::{Desktop, fake::FakeDesktop},
    login::fake::{FakeSignIn, login, refused},
    secret::Secret,
    server::{DaemonOptions, Shutdown},
    source::{SignIn, Source},
    sync,
    trust::ManagedOwner,
};

const CONFIG: &str = r#"
version = 1
[profile.work]
gateway = "https://gateway.test/"
source = "sso"
[profile.other]
source = "sso"
[source.sso]
type = "exec"
command = ["/bin/true"]
"#;

/// A source whose key is the user's; without a login there is none.
struct Sso {
    sign_in: Arc<FakeSignIn>,
    clock: ManualClock,
    /// The error of every fetch, if there is one.
    error: Arc<Mutex<Option<SourceError>>>,
}

#[async_trait]
impl Source for Sso {
    async fn issue(&self) -> Result<Credential, SourceError> {
        if self.sign_in.login().await?.is_none() {
            return Err(SourceError::LoginRequired {
                host: "idp.test".to_owned(),
                reason: "no user has signed in yet".to_owned(),
                hint: None,
            });
        }
        if let Some(error) = sync::lock(&self.error).clone() {
            return Err(error);
        }
        Ok(Credential {
            secret: Secret::new("abc".to_owned()),
            obtained: self.clock.now(),
            issued: None,
            lifetime: Some(Duration::from_secs(3600)),
            version: None,
            lease: None,
        })
    }

    fn sign_in(&self) -> Result<Option<Arc<dyn SignIn>>, SourceError> {
        Ok(Some(Arc::clone(&self.sign_in) as Arc<dyn SignIn>))
    }

    fn host(&self) -> &str {
        "idp.test"
    }
}

struct Fixture {
    daemon: Arc<Daemon>,
    desktop: Arc<FakeDesktop>,
    in_force: InForce,
    sign_in: Arc<FakeSignIn>,
    error: Arc<Mutex<Option<SourceError>>>,
    clock: ManualClock,
}

impl Fixture {
    fn new(sign_in: FakeSignIn) -> Self {
        Self::with_desktop(sign_in, FakeDesktop::default())
    }

    fn with_desktop(sign_in: FakeSignIn, desktop: FakeDesktop) -> Self {
        let desktop = Arc::new(desktop);
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let jitter: crate::broker::Jitter = Arc::new(|| 0.5);
        let sign_in = Arc::new(sign_in);
        let error = Arc::default();
        let source: Arc<dyn Source> = Arc::new(Sso {
            sign_in: Arc::clone(&sign_in),
            clock: clock.clone(),
            error: Arc::clone(&error),
        });
        let route = Route {
            source,
            source_name: "sso".to_owned(),
            gateway: None,
            watch: None,
            max_age: None,
        };
        let routes = ["work", "other"].map(|name| (name.to_owned(), route.clone()));
        let broker = Broker::new(BTreeMap::from(routes), &shared, &jitter);
        let config = config::parse(Path::new("/c.toml"), CONFIG).unwrap();
        let options = DaemonOptions {
            origin: Origin::Files(Locations {
                managed: PathBuf::from("/nonexistent/managed.toml"),
                user: None,
                explicit: None,
                managed_owner: ManagedOwner::of_this_machine(),
            }),
            socket: PathBuf::from("/nonexistent/agent.sock"),
            is_usual_socket: true,
            executable: None,
            clock: shared,
            jitter,
            desktop: Arc::clone(&desktop) as Arc<dyn Desktop>,
            state_dir: PathBuf::from("/nonexistent"),
            log: None,
            log_error: None,
        };
        Self {
            daemon: Arc::new(Daemon::new(options, Shutdown::new())),
            desktop,
            in_force: InForce::new(Arc::new(config), broker, &Arc::from("ana")),
            sign_in,
            error,
            clock,
        }
    }

    /// Signs in to the profile `work`; returns the reports and the end of the answer.
    async fn log_in(&self, is_forced: bool) -> (Vec<Value>, Result<Response, Failure>) {
        let (sender, mut receiver) = mpsc::channel(20);
        let target = Target {
            in_force: self.in_force.clone(),
            profile: "work".to_owned(),
            variables: ClientVariables::default(),
            sign_in: Arc::clone(&self.sign_in) as Arc<dyn SignIn>,
        };
        let request = Request {
            target,
            reports: &sender,
            recorder: &self.daemon.recorder,
        };
        let answer = self.daemon.sign_in(&request, Flow::Device, is_forced).await;
        let mut reports = Vec::new();
        while let Ok(Response::Report(json)) = receiver.try_recv() {
            reports.push(serde_json::from_str(&json).unwrap());
        }
        (reports, answer)
    }

    async fn key_of(&self, profile: &str) -> Result<Arc<Credential>, AcquireError> {
        let request = AcquireRequest::new(Duration::from_secs(300), None);
        let until = self.daemon.until(LONGEST_DEADLINE);
        let variables = ClientVariables::default();
        let broker = &self.in_force.broker;
        let granted = broker.acquire(profile, &variables, request, until).await;
        granted.map(|grant| grant.credential)
    }
}

fn events(reports: &[Value]) -> Vec<&str> {
    let events = reports.iter().map(|report| report["event"].as_str());
    events.map(Option::unwrap).collect()
}

fn now(fixture: &Fixture) -> Now {
    fixture.clock.now()
}

#[tokio::test]
async fn a_sign_in_gives_all_profiles_of_the_source_their_key() {
    let fixture = Fixture::new(FakeSignIn::new("sso"));
    for profile in ["work", "other"] {
        let error = fixture.key_of(profile).await.unwrap_err();
        assert!(requires_login(&error), "{error:?}");
    }
    fixture.sign_in.decided.notify_one();
    let (reports, answer) = fixture.log_in(false).await;
    assert_eq!(answer, Ok(Response::Done));
    assert_eq!(events(&reports), ["started", "device", "signed-in"]);
    assert_eq!(
        reports[2],
        json!({
            "event": "signed-in",
            "profile": "work",
            "source": "sso",
            "gateway": "https://gateway.test",
            "already": false,
            "login": {
                "subject": "42", "name": "jo", "groups": [], "expires_at": null,
                "signed_in_at": "1970-01-01T00:00:00Z", "renewable": true, "warning": null,
            },
            "key": {"fingerprint": "ba7816bf8f01", "expires_at": "1970-01-01T01:00:00Z"},
        })
    );
    // Without waiting for the back-off of the failure before.
    for entry in fixture.in_force.broker.snapshots("other") {
        assert!(entry.snapshot.credential.is_some());
        assert_eq!(entry.snapshot.last_error, None);
    }
}

#[tokio::test]
async fn a_good_login_is_left_alone_unless_the_user_insists() {
    let fixture = Fixture::new(FakeSignIn::new("sso"));
    for (is_forced, expected, started) in [
        (false, vec!["started", "device", "signed-in"], 1),
        (false, vec!["signed-in"], 1),
        (true, vec!["started", "device", "signed-in"], 2),
    ] {
        if expected.len() > 1 {
            fixture.sign_in.decided.notify_one();
        }
        let (reports, answer) = fixture.log_in(is_forced).await;
        assert_eq!(answer, Ok(Response::Done));
        assert_eq!(events(&reports), expected);
        let already = reports.last().unwrap()["already"].as_bool();
        assert_eq!(already, Some(expected.len() == 1));
        assert_eq!(fixture.sign_in.started.load(Ordering::SeqCst), started);
    }
}

#[tokio::test]
async fn a_login_that_has_expired_or_that_the_server_has_ended_is_made_again() {
    let fixture = Fixture::new(FakeSignIn::new("sso"));
    *sync::lock(&fixture.sign_in.in_force) = Some(Login {
        expires_at: Some(now(&fixture).wall),
        ..login()
    });
    fixture.sign_in.decided.notify_one();
    let (reports, answer) = fixture.log_in(false).await;
    assert_eq!(answer, Ok(Response::Done));
    assert_eq!(events(&reports), ["started", "device", "signed-in"]);
}

#[tokio::test]
async fn a_user_without_a_key_is_signed_in_and_told_why() {
    let fixture = Fixture::new(FakeSignIn::new("sso"));
    *sync::lock(&fixture.error) = Some(SourceError::Denied {
        host: "idp.test".to_owned(),
        path: "token".to_owned(),
        reason: "not in the group".to_owned(),
    });
    for already in [false, true] {
        fixture.sign_in.decided.notify_one();
        let (reports, answer) = fixture.log_in(false).await;
        let last = reports.last().unwrap();
        assert_eq!(
            (&last["already"], &last["key"]),
            (&json!(already), &Value::Null)
        );
        let failure = answer.unwrap_err();
        assert_eq!(failure.code, wire::ExitCode::SourceFailed);
        assert!(failure.message.contains("not in the group"), "{failure:?}");
    }
}

#[tokio::test]
async fn the_key_of_the_former_user_is_served_to_no_other() {
    for (former, keeps) in [(Some("42"), true), (Some("7"), false), (None, false)] {
        let fixture = Fixture::new(FakeSignIn::new("sso"));
        *sync::lock(&fixture.sign_in.in_force) = Some(Login {
            subject: former.map(str::to_owned),
            ..login()
        });
        for profile in ["work", "other"] {
            fixture.key_of(profile).await.unwrap();
        }
        *sync::lock(&fixture.error) = Some(SourceError::Unavailable {
            host: "idp.test".to_owned(),
            reason: "down".to_owned(),
            retry_after: None,
        });
        fixture.sign_in.decided.notify_one();
        let (_, answer) = fixture.log_in(true).await;
        answer.unwrap_err();
        for profile in ["work", "other"] {
            let key = fixture.key_of(profile).await;
            assert_eq!(key.is_ok(), keeps, "{former:?}, {profile}: {key:?}");
        }
    }
}

#[tokio::test]
async fn a_sign_in_that_the_server_refuses_is_a_failure_with_its_reason() {
    let sign_in = FakeSignIn {
        no_device: Some(refused("unauthorized_client")),
        ..FakeSignIn::new("sso")
    };
    let (reports, answer) = Fixture::new(sign_in).log_in(false).await;
    assert_eq!(events(&reports), ["started"]);
    let failure = answer.unwrap_err();
    assert_eq!(failure.code, wire::ExitCode::LoginRequired);
    assert!(
        failure.message.contains("unauthorized_client"),
        "{failure:?}"
    );
}
