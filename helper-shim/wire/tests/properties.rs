//! Properties of all messages and all bytes.

#![expect(clippy::unwrap_used, reason = "tests")]

use claviger_wire::{
    Acquire, ExitCode, Failure, Format, HEADER_LEN, Login, LoginFlow, MAX_BODY, MAX_EXPIRY_LEN,
    MAX_KEY_LEN, MAX_LABEL_LEN, MAX_VARIABLES, Request, Response, Token, VERSION, Variable,
    Variables, body_len,
};
use proptest::{
    collection::vec,
    option::of,
    prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest},
    sample::select,
};

fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..200).prop_map(String::from_iter)
}

fn acquire() -> impl Strategy<Value = Acquire> {
    let format = select(&[Format::Key, Format::Headers, Format::Json, Format::Oauth][..]);
    let label = || of(vec(any::<char>(), 0..=MAX_LABEL_LEN / 4).prop_map(String::from_iter));
    (
        of(text()),
        of(text()),
        any::<u64>(),
        format,
        any::<u64>(),
        any::<bool>(),
        of(any::<u32>()),
        (label(), label()),
        variables(),
    )
        .prop_map(
            |(
                profile,
                gateway,
                cache_lifetime_ms,
                format,
                deadline_ms,
                reveal,
                pid,
                (client, context),
                variables,
            )| {
                Acquire {
                    profile,
                    gateway,
                    cache_lifetime_ms,
                    format,
                    deadline_ms,
                    reveal,
                    pid,
                    client,
                    context,
                    variables,
                }
            },
        )
}

fn variables() -> impl Strategy<Value = Variables> {
    let value = vec(any::<u8>(), 0..100).prop_map(Token::new);
    let variable = ("[^=]{0,30}", value).prop_map(|(name, value)| Variable { name, value });
    prop_oneof![
        Just(Variables::Unsupported),
        Just(Variables::OnRequest),
        vec(variable, 0..MAX_VARIABLES).prop_map(Variables::Sent),
    ]
}

fn login() -> impl Strategy<Value = Login> {
    let flow = [
        LoginFlow::Configured,
        LoginFlow::Device,
        LoginFlow::NoBrowser,
    ];
    let flow = select(flow.to_vec());
    (of(text()), flow, any::<bool>(), variables()).prop_map(|(profile, flow, force, variables)| {
        Login {
            profile,
            flow,
            force,
            variables,
        }
    })
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        acquire().prop_map(Request::Acquire),
        of(text()).prop_map(|profile| Request::Status { profile }),
        (of(text()), variables())
            .prop_map(|(profile, variables)| Request::Refresh { profile, variables }),
        of(text()).prop_map(|profile| Request::Logout { profile }),
        Just(Request::Stop),
        login().prop_map(Request::Login),
        Just(Request::Metrics),
        Just(Request::Lock),
        Just(Request::Unlock),
        unknown_request(),
    ]
}

/// A kind of a later version: none of this one's, whatever those are.
fn unknown_kind(is_unknown: fn(&[u8]) -> bool) -> impl Strategy<Value = u8> {
    any::<u8>().prop_filter("a kind of this version", move |kind| {
        is_unknown(&[VERSION, *kind])
    })
}

fn unknown_request() -> impl Strategy<Value = Request> {
    unknown_kind(|body| matches!(Request::decode(body), Ok(Request::Unknown { .. })))
        .prop_map(|kind| Request::Unknown { kind })
}

fn unknown_response() -> impl Strategy<Value = Response> {
    unknown_kind(|body| matches!(Response::decode(body), Ok(Response::Unknown { .. })))
        .prop_map(|kind| Response::Unknown { kind })
}

fn failure() -> impl Strategy<Value = Failure> {
    let code = select(&ExitCode::ALL[..]);
    (code, text(), of(text())).prop_map(|(code, message, hint)| Failure {
        code,
        message,
        hint,
    })
}

fn response() -> impl Strategy<Value = Response> {
    let token = vec(any::<u8>(), 0..=MAX_KEY_LEN).prop_map(Token::new);
    // With the seconds, the longest of both does not fit the frame.
    let expires_at = "[ -~]{0,53}";
    prop_oneof![
        (token, of(expires_at), of(any::<u64>())).prop_map(|(token, expires_at, expires_in)| {
            Response::Credential {
                token,
                expires_at,
                expires_in,
            }
        }),
        failure().prop_map(Response::Failure),
        text().prop_map(Response::Report),
        Just(Response::Done),
        any::<u8>().prop_map(|version| Response::Unsupported { version }),
        vec("\\PC{0,60}", 0..MAX_VARIABLES).prop_map(|names| Response::Variables { names }),
        unknown_response(),
    ]
}

fn body(frame: &[u8]) -> &[u8] {
    let (header, body) = frame.split_first_chunk::<HEADER_LEN>().unwrap();
    assert_eq!(body_len(*header), Ok(body.len()));
    body
}

/// Decoders must not panic on any input.
fn decode_all(body: &[u8]) {
    let _ = Request::decode(body);
    let _ = Response::decode(body);
}

proptest! {
    #[test]
    fn requests_round_trip(request in request()) {
        prop_assert_eq!(Request::decode(body(&request.encode())), Ok(request));
    }

    #[test]
    fn responses_round_trip(response in response()) {
        prop_assert_eq!(Response::decode(body(&response.encode())), Ok(response));
    }

    #[test]
    fn any_bytes_are_decoded_or_an_error(bytes in vec(any::<u8>(), 0..2 * MAX_BODY)) {
        decode_all(&bytes);
    }

    #[test]
    fn any_fields_are_decoded_or_an_error(
        kind in prop_oneof![0..=9_u8, 128..=135_u8],
        fields in vec((0..20_u8, vec(any::<u8>(), 0..12)), 0..6),
    ) {
        let mut body = vec![1, kind];
        for (tag, value) in fields {
            body.extend([tag, 0, value.len() as u8]);
            body.extend(value);
        }
        decode_all(&body);
    }

    #[test]
    fn a_truncated_message_is_decoded_or_an_error(request in request(), response in response(), share in 0.0..1.0) {
        for frame in [request.encode(), response.encode()] {
            let body = body(&frame);
            decode_all(&body[..(body.len() as f64 * share) as usize]);
        }
    }

    #[test]
    fn frames_never_exceed_the_limit(len in 0..5 * MAX_BODY, failure in failure()) {
        let text = "ü".repeat(len);
        let token = Token::new(text.clone().into_bytes());
        let expires_at = Some("9".repeat(len % (2 * MAX_EXPIRY_LEN)));
        let failure = Failure { message: text.clone(), hint: Some(text.clone()), ..failure };
        let value = Token::new(text.clone().into_bytes());
        let variables = Variables::Sent(vec![Variable { name: "A".to_owned(), value }]);
        let acquire = Acquire {
            profile: Some(text.clone()),
            gateway: Some(text.clone()),
            client: Some(text.clone()),
            context: Some(text.clone()),
            variables: variables.clone(),
            ..Acquire::default()
        };
        for frame in [
            Request::Acquire(acquire).encode(),
            Request::Refresh { profile: None, variables: variables.clone() }.encode(),
            Request::Login(Login { profile: Some(text.clone()), variables, ..Login::default() }).encode(),
            Response::Variables { names: vec![text.clone(); 99] }.encode(),
            Request::Status { profile: Some(text.clone()) }.encode(),
            Response::Credential { token, expires_at, expires_in: Some(u64::MAX) }.encode(),
            Response::Failure(failure).encode(),
            Response::Report(text).encode(),
        ] {
            prop_assert!(body(&frame).len() <= MAX_BODY);
        }
    }
}

#[test]
fn variables_that_do_not_fit_are_left_out_and_can_be_measured() {
    let request = |len: usize| {
        let value = Token::new(vec![b'v'; len]);
        let variables = Variables::Sent(vec![Variable {
            name: "TOKEN".to_owned(),
            value,
        }]);
        (
            variables.encoded_len(),
            Request::Refresh {
                profile: None,
                variables,
            },
        )
    };
    let none = Request::Refresh {
        profile: None,
        variables: Variables::OnRequest,
    };
    let room = HEADER_LEN + MAX_BODY - none.encode().len();
    let (overhead, _) = request(0);
    let (len, longest) = request(room - overhead);
    assert_eq!((len, longest.encode().len()), (room, HEADER_LEN + MAX_BODY));
    assert_eq!(Request::decode(body(&longest.encode())), Ok(longest));
    let (_, longer) = request(room - overhead + 1);
    assert_eq!(Request::decode(body(&longer.encode())), Ok(none));
}
