//! Against the embedded gateway, on its good and its bad days.

use reqwest::StatusCode;

use super::*;
use crate::{
    clock::{ManualClock, Timestamp},
    demo::gateway::{Fault, TestGateway as Embedded},
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
        let base = GatewayUrl::parse(&embedded.url()).unwrap();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let gateway = HttpGateway::new(&base, probe, &shared).unwrap();
        Self {
            embedded,
            clock,
            gateway,
        }
    }

    /// What is said of a good key while `path` has this fault, which started after calibration.
    async fn with_fault(probe: Probe, path: &str, fault: Fault) -> ProbeResult {
        let fixture = Self::new(probe).await;
        assert_eq!(fixture.gateway.probe(&good()).await, ProbeResult::Accepted);
        fixture.embedded.set_fault(path, fault);
        fixture.gateway.probe(&good()).await
    }

    fn asked(&self) -> usize {
        self.embedded.requests().len()
    }
}

fn good() -> Secret {
    Secret::new("sk-good".to_owned())
}

fn bad() -> Secret {
    Secret::new("sk-revoked".to_owned())
}

fn unclear(said: &str) -> ProbeResult {
    ProbeResult::Inconclusive(said.to_owned())
}

#[tokio::test]
async fn a_good_key_is_good_and_a_bad_one_rejected_on_either_route() {
    for (probe, path) in [(Probe::Models, MODELS), (Probe::CountTokens, COUNT_TOKENS)] {
        let fixture = GatewayFixture::new(probe).await;
        assert_eq!(fixture.gateway.probe(&good()).await, ProbeResult::Accepted);
        assert_eq!(fixture.gateway.probe(&bad()).await, ProbeResult::Rejected);
        assert_eq!(fixture.gateway.calibration(), Calibration::Reliable);
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
async fn switched_off_there_is_none_to_ask() {
    let embedded = Embedded::start([]).await.unwrap();
    let base = GatewayUrl::parse(&embedded.url()).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    assert!(HttpGateway::new(&base, Probe::Off, &clock).is_none());
}

#[tokio::test]
async fn it_is_calibrated_once_a_day() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.gateway.probe(&good()).await;
    assert_eq!(fixture.asked(), 2, "one wrong key, and ours");
    fixture.gateway.probe(&good()).await;
    assert_eq!(fixture.asked(), 3);
    fixture.clock.advance(CALIBRATION_HOLDS);
    fixture.gateway.probe(&good()).await;
    assert_eq!(fixture.asked(), 5);
}

#[tokio::test]
async fn two_that_ask_at_once_calibrate_once() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    let (key, other) = (good(), bad());
    let verdicts = tokio::join!(fixture.gateway.probe(&key), fixture.gateway.probe(&other));
    assert_eq!(verdicts, (ProbeResult::Accepted, ProbeResult::Rejected));
    assert_eq!(fixture.asked(), 3);
}

#[tokio::test]
async fn the_word_of_one_that_takes_any_key_proves_nothing() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.embedded.set_fault(MODELS, Fault::Unchecked);
    let verdict = fixture.gateway.probe(&good()).await;
    assert_eq!(
        verdict,
        unclear("takes any key, so what it says proves nothing")
    );
    assert_eq!(fixture.gateway.calibration(), Calibration::AcceptsAnyKey);
    fixture.gateway.probe(&good()).await;
    assert_eq!(fixture.asked(), 1, "nor is it asked again that day");
}

#[tokio::test]
async fn one_that_was_down_is_calibrated_again_soon() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture
        .embedded
        .set_fault(MODELS, Fault::Status(StatusCode::BAD_GATEWAY));
    assert_eq!(
        fixture.gateway.probe(&good()).await,
        unclear("answered 502")
    );
    assert_eq!(fixture.gateway.calibration(), Calibration::Unknown);
    fixture.embedded.clear_faults();
    let verdict = fixture.gateway.probe(&good()).await;
    assert_eq!(verdict, unclear("has not been seen to refuse a wrong key"));
    fixture.clock.advance(INDECISION_HOLDS);
    assert_eq!(fixture.gateway.probe(&good()).await, ProbeResult::Accepted);
}

#[tokio::test]
async fn a_status_that_says_nothing_of_the_key_is_unclear() {
    for status in [404, 405, 429, 500, 503] {
        let fault = Fault::Status(StatusCode::from_u16(status).unwrap());
        let verdict = GatewayFixture::with_fault(Probe::Models, MODELS, fault).await;
        assert_eq!(verdict, unclear(&format!("answered {status}")));
    }
}

#[tokio::test]
async fn a_captive_portal_is_unclear() {
    let verdict = GatewayFixture::with_fault(Probe::Models, MODELS, Fault::Html).await;
    assert_eq!(
        verdict,
        unclear("answered with a page, not with JSON: a captive portal?")
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Embedded::start([good()]).await.unwrap();
    let fault = Fault::Redirect(format!("{}{MODELS}", elsewhere.url()));
    let verdict = GatewayFixture::with_fault(Probe::Models, MODELS, fault).await;
    assert_eq!(verdict, unclear("answered 302"));
    assert_eq!(elsewhere.requests(), []);
}

#[tokio::test]
async fn an_endless_body_is_not_read() {
    let clock = crate::clock::SystemClock;
    let before = clock.now().tick;
    GatewayFixture::with_fault(Probe::Models, MODELS, Fault::Endless).await;
    assert!(clock.now().tick.since(before) < TIMEOUT);
}

#[tokio::test]
async fn what_a_body_says_is_not_repeated() {
    for (status, expected) in [(500, unclear("answered 500")), (401, ProbeResult::Rejected)] {
        let fault = Fault::Echo(StatusCode::from_u16(status).unwrap());
        let verdict = GatewayFixture::with_fault(Probe::Models, MODELS, fault).await;
        assert_eq!(verdict, expected);
        assert!(!format!("{verdict:?}").contains(good().expose()));
    }
}

#[tokio::test]
async fn one_that_never_answers_is_given_up() {
    let verdict = GatewayFixture::with_fault(Probe::Models, MODELS, Fault::Stall).await;
    assert_eq!(verdict, unclear("did not answer within 2 s"));
}

#[tokio::test]
async fn one_that_is_not_there_is_unclear() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.gateway.probe(&good()).await;
    let GatewayFixture {
        embedded, gateway, ..
    } = fixture;
    embedded.stop().await;
    assert_eq!(gateway.probe(&good()).await, unclear("cannot be reached"));
}

#[test]
fn a_path_prefix_is_kept() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let base = GatewayUrl::parse("https://gateway.test/anthropic/").unwrap();
    let gateway = HttpGateway::new(&base, Probe::Models, &clock).unwrap();
    let request = gateway
        .request(
            &Client::new(),
            reqwest::Method::GET,
            MODELS,
            Some("limit=1"),
        )
        .build()
        .unwrap();
    assert_eq!(
        request.url().as_str(),
        "https://gateway.test/anthropic/v1/models?limit=1"
    );
}

fn answered(status: u16, content_type: &'static str) -> ProbeResult {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    interpret(StatusCode::from_u16(status).unwrap(), &headers)
}

#[test]
fn only_json_is_a_yes_and_only_401_and_403_are_a_no() {
    assert_eq!(
        answered(200, "application/json; charset=utf-8"),
        ProbeResult::Accepted
    );
    assert_eq!(answered(401, "text/html"), ProbeResult::Rejected);
    assert_eq!(answered(403, "application/json"), ProbeResult::Rejected);
    assert!(matches!(
        answered(200, "text/html"),
        ProbeResult::Inconclusive(_)
    ));
}

#[test]
fn a_key_in_a_header_is_marked_as_secret() {
    let headers = headers(&Secret::new("sk-secret".to_owned())).unwrap();
    assert!(!format!("{headers:?}").contains("sk-secret"));
}
