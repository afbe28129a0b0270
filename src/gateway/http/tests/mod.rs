//! Probes of the embedded gateway.

mod calibration;
mod faults;
mod keys;
mod tls;

use std::path::Path;

use reqwest::StatusCode;

use super::{
    memory::{CALIBRATION_TTL, CONTRAST_AGE},
    sender::TIMEOUT,
    *,
};
use crate::{
    client_variables::ClientVariables,
    clock::{ManualClock, Timestamp},
    config,
    demo::gateway::{Answer as Set, Fault, Requests, TestGateway as Embedded},
    gateway::Rejection,
};

const MODELS: &str = "/v1/models";
const COUNT_TOKENS: &str = "/v1/messages/count_tokens";

struct GatewayFixture {
    embedded: Embedded,
    clock: ManualClock,
    gateway: HttpGateway,
}

impl GatewayFixture {
    async fn new(probe: Probe) -> Self {
        let embedded = Embedded::start([good()]).await.unwrap();
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let gateway = gateway(&embedded.url(), probe, &clock).unwrap();
        Self {
            embedded,
            clock,
            gateway,
        }
    }

    /// Sets what `/v1/models` answers.
    fn set(&self, requests: Requests, answer: Set) {
        self.embedded.set_answer(MODELS, requests, answer);
    }

    async fn probe(&self, key: &Secret) -> ProbeResult {
        self.gateway.probe(key).await
    }

    /// The reason why a probe with `key` is inconclusive.
    async fn reason(&self, key: &Secret) -> Inconclusive {
        match self.probe(key).await {
            ProbeResult::Inconclusive(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    fn request_count(&self) -> usize {
        self.embedded.requests().len()
    }
}

fn not_the_key(status: u16, cause: &str) -> Inconclusive {
    Inconclusive::NotTheKey {
        status,
        cause: cause.to_owned(),
    }
}

/// The gateway of a profile with this URL and probe.
fn gateway(url: &str, probe: Probe, clock: &ManualClock) -> Option<HttpGateway> {
    gateway_with(url, probe, "", clock)
}

/// [`gateway`], with further lines of the profile's table.
fn gateway_with(url: &str, probe: Probe, more: &str, clock: &ManualClock) -> Option<HttpGateway> {
    let probe = match probe {
        Probe::Models => "models",
        Probe::CountTokens => "count-tokens",
        Probe::Off => "off",
    };
    let text = format!(
        "version = 1\n[profile.p]\nsource = 's'\ngateway = '{url}'\nprobe = '{probe}'\n{more}\n\
         [source.s]\ntype = 'exec'\ncommand = ['/bin/key']\n"
    );
    let config = config::parse(Path::new("/c.toml"), &text).unwrap();
    let principal = Principal {
        user: "ada".to_owned(),
        host: "laptop".to_owned(),
        home: None,
        variables: ClientVariables::default(),
    };
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    HttpGateway::new(&config.profiles["p"], &principal, &clock)
}

fn good() -> Secret {
    Secret::new("sk-good".to_owned())
}

fn bad() -> Secret {
    Secret::new("sk-revoked".to_owned())
}

#[tokio::test]
async fn a_good_key_is_accepted_and_a_bad_one_rejected_on_either_route() {
    for (probe, path) in [(Probe::Models, MODELS), (Probe::CountTokens, COUNT_TOKENS)] {
        let fixture = GatewayFixture::new(probe).await;
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
        assert_eq!(fixture.probe(&bad()).await, ProbeResult::Rejected);
        let rejection = Calibration::Reliable(Rejection::Unauthorized);
        assert_eq!(fixture.gateway.calibration(), rejection);
        let requests = fixture.embedded.requests();
        assert!(requests.iter().all(|seen| seen.path == path));
    }
}

#[tokio::test]
async fn there_is_no_gateway_if_probes_are_off() {
    let embedded = Embedded::start([]).await.unwrap();
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    assert!(gateway(&embedded.url(), Probe::Off, &clock).is_none());
}

#[test]
fn a_path_prefix_is_kept() {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let gateway = gateway("https://gateway.test/anthropic/", Probe::Models, &clock).unwrap();
    assert_eq!(
        gateway.sender.url(MODELS, Some("limit=1")).as_str(),
        "https://gateway.test/anthropic/v1/models?limit=1"
    );
}
