//! Probes of the embedded gateway, without and with faults.

mod tls;

use std::path::Path;

use reqwest::StatusCode;

use super::*;
use crate::{
    client_variables::ClientVariables,
    clock::{ManualClock, Timestamp},
    config,
    demo::gateway::{Fault, TestGateway as Embedded},
    network::TransportError,
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

    /// The result for a good key if `path` has this fault, which began after the calibration.
    async fn with_fault(probe: Probe, path: &str, fault: Fault) -> ProbeResult {
        let fixture = Self::new(probe).await;
        assert_eq!(fixture.gateway.probe(&good()).await, ProbeResult::Accepted);
        fixture.embedded.set_fault(path, fault);
        fixture.gateway.probe(&good()).await
    }

    fn request_count(&self) -> usize {
        self.embedded.requests().len()
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

fn not_the_key(status: u16) -> ProbeResult {
    ProbeResult::Inconclusive(Inconclusive::NotTheKey {
        status,
        cause: "unexpected status".to_owned(),
    })
}

#[tokio::test]
async fn a_good_key_is_accepted_and_a_bad_one_rejected_on_either_route() {
    for (probe, path) in [(Probe::Models, MODELS), (Probe::CountTokens, COUNT_TOKENS)] {
        let fixture = GatewayFixture::new(probe).await;
        assert_eq!(fixture.gateway.probe(&good()).await, ProbeResult::Accepted);
        assert_eq!(fixture.gateway.probe(&bad()).await, ProbeResult::Rejected);
        assert_eq!(
            fixture.gateway.calibration(),
            Calibration::Reliable(Rejection::Unauthorized)
        );
        assert!(
            fixture
                .embedded
                .requests()
                .iter()
                .all(|seen| seen.path == path)
        );
    }
}

#[tokio::test]
async fn there_is_no_gateway_if_probes_are_off() {
    let embedded = Embedded::start([]).await.unwrap();
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    assert!(gateway(&embedded.url(), Probe::Off, &clock).is_none());
}

#[tokio::test]
async fn the_gateway_is_calibrated_once_a_day() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.gateway.probe(&good()).await;
    assert_eq!(
        fixture.request_count(),
        2,
        "an invalid key, then the good one"
    );
    fixture.gateway.probe(&good()).await;
    assert_eq!(fixture.request_count(), 3);
    fixture.clock.advance(CALIBRATION_TTL);
    fixture.gateway.probe(&good()).await;
    assert_eq!(fixture.request_count(), 5);
}

#[tokio::test]
async fn two_concurrent_probes_calibrate_once() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    let (key, other) = (good(), bad());
    let results = tokio::join!(fixture.gateway.probe(&key), fixture.gateway.probe(&other));
    assert_eq!(results, (ProbeResult::Accepted, ProbeResult::Rejected));
    assert_eq!(fixture.request_count(), 3);
}

#[tokio::test]
async fn a_gateway_that_accepts_any_key_proves_nothing() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.embedded.set_fault(MODELS, Fault::Unchecked);
    let result = fixture.gateway.probe(&good()).await;
    assert_eq!(
        result,
        ProbeResult::Inconclusive(Inconclusive::AcceptsAnyKey)
    );
    assert_eq!(fixture.gateway.calibration(), Calibration::AcceptsAnyKey);
    fixture.gateway.probe(&good()).await;
    assert_eq!(
        fixture.request_count(),
        1,
        "it is not probed again that day"
    );
}

#[tokio::test]
async fn a_gateway_that_was_down_is_calibrated_again_soon() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture
        .embedded
        .set_fault(MODELS, Fault::Status(StatusCode::BAD_GATEWAY));
    assert_eq!(fixture.gateway.probe(&good()).await, not_the_key(502));
    assert_eq!(fixture.gateway.calibration(), Calibration::Unknown);
    fixture.embedded.clear_faults();
    let result = fixture.gateway.probe(&good()).await;
    assert_eq!(
        result,
        ProbeResult::Inconclusive(Inconclusive::Uncalibrated)
    );
    fixture.clock.advance(UNKNOWN_CALIBRATION_TTL);
    assert_eq!(fixture.gateway.probe(&good()).await, ProbeResult::Accepted);
}

#[tokio::test]
async fn a_status_that_is_not_about_the_key_is_inconclusive() {
    for status in [404, 405, 429, 500, 503] {
        let fault = Fault::Status(StatusCode::from_u16(status).unwrap());
        let result = GatewayFixture::with_fault(Probe::Models, MODELS, fault).await;
        assert_eq!(result, not_the_key(status));
    }
}

#[tokio::test]
async fn a_captive_portal_is_inconclusive() {
    let result = GatewayFixture::with_fault(Probe::Models, MODELS, Fault::Html).await;
    assert_eq!(
        result,
        ProbeResult::Inconclusive(Inconclusive::NotJson {
            status: 200,
            is_page: true
        })
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Embedded::start([good()]).await.unwrap();
    let fault = Fault::Redirect(format!("{}{MODELS}", other.url()));
    let result = GatewayFixture::with_fault(Probe::Models, MODELS, fault).await;
    assert_eq!(result, not_the_key(302));
    assert_eq!(other.requests(), []);
}

#[tokio::test]
async fn an_endless_body_is_not_read() {
    let clock = crate::clock::SystemClock;
    let before = clock.now().tick;
    GatewayFixture::with_fault(Probe::Models, MODELS, Fault::Endless(StatusCode::OK)).await;
    assert!(clock.now().tick.since(before) < TIMEOUT);
}

#[tokio::test]
async fn the_response_body_is_not_repeated() {
    for (status, expected) in [(500, not_the_key(500)), (401, ProbeResult::Rejected)] {
        let fault = Fault::Echo(StatusCode::from_u16(status).unwrap());
        let result = GatewayFixture::with_fault(Probe::Models, MODELS, fault).await;
        assert_eq!(result, expected);
        assert!(!format!("{result:?}").contains(good().expose()));
    }
}

#[tokio::test]
async fn a_gateway_that_never_answers_times_out() {
    let result = GatewayFixture::with_fault(Probe::Models, MODELS, Fault::Stall).await;
    assert_eq!(
        result,
        ProbeResult::Inconclusive(Inconclusive::NoResponse(TransportError::TimedOut(TIMEOUT)))
    );
}

#[tokio::test]
async fn a_gateway_that_is_down_is_inconclusive() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.gateway.probe(&good()).await;
    let GatewayFixture {
        embedded, gateway, ..
    } = fixture;
    embedded.stop().await;
    assert_eq!(
        gateway.probe(&good()).await,
        ProbeResult::Inconclusive(Inconclusive::NoResponse(TransportError::Refused))
    );
}

#[test]
fn a_path_prefix_is_kept() {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let gateway = gateway("https://gateway.test/anthropic/", Probe::Models, &clock).unwrap();
    assert_eq!(
        gateway.url(MODELS, Some("limit=1")).as_str(),
        "https://gateway.test/anthropic/v1/models?limit=1"
    );
}
