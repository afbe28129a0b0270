//! A gateway on loopback that answers 200 or 401 to a key, as Anthropic's Messages API does.
//!
//! It generates its answers itself and forwards nothing. Its routes are `POST /v1/messages`,
//! `POST /v1/messages/count_tokens`, `GET /v1/models` and `HEAD /`.
//!
//! The tests use `TestGateway`, which adds `POST /v1/responses`, a list of keys, answers for single
//! keys, a log of the requests and faults on demand. It is compiled with the feature `test-util`
//! only.

mod demo_gateway;
mod keys;
mod message;
mod messages;
mod response;
#[cfg(any(test, feature = "test-util"))]
mod responses;
mod routes;
mod serve;
mod sse;
#[cfg(any(test, feature = "test-util"))]
mod test_gateway;

pub(crate) use self::demo_gateway::DemoGateway;
#[cfg(any(test, feature = "test-util"))]
pub use self::test_gateway::{Answer, Fault, GREETING, LoggedRequest, Requests, TestGateway};
