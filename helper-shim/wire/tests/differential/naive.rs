//! A naive decoder, written from the tables of the crate's documentation alone.

use crate::plain::{Plain, Value};

/// How the value of a field is read.
#[derive(Clone, Copy)]
enum Form {
    Text,
    /// At most 64 bytes of UTF-8; others are absent.
    Label,
    Bytes,
    /// A number of this many bytes.
    Number(usize),
    /// 1 byte: 0 no, others yes.
    Flag,
    /// 1 byte: one of these, others are read as 0.
    OneOf(&'static [u8]),
    /// 1 byte: 0 unsupported, 2 sent, others on request.
    Variables,
    /// Repeated NAME=VALUE, if the field 8 is 2.
    Sent,
    /// Repeated texts.
    Texts,
}

use Form::{Bytes, Flag, Label, Number, OneOf, Sent, Text, Texts};

/// Whether a field must be there.
const REQUIRED: bool = true;

/// The known fields of a kind, by tag.
type Fields = &'static [(u8, Form, bool)];

/// The tables of the documentation.
const TABLE: &[(u8, Fields)] = &[
    (
        1,
        &[
            (1, Text, false),
            (2, Text, false),
            (3, Number(8), REQUIRED),
            (4, OneOf(&[1, 2, 3]), false),
            (5, Number(8), REQUIRED),
            (6, Flag, false),
            (7, Number(4), false),
            (8, Form::Variables, false),
            (9, Label, false),
            (10, Label, false),
            (16, Sent, false),
        ],
    ),
    (2, &[(1, Text, false)]),
    (
        3,
        &[
            (1, Text, false),
            (8, Form::Variables, false),
            (16, Sent, false),
        ],
    ),
    (4, &[(1, Text, false)]),
    (5, &[]),
    (
        6,
        &[
            (1, Text, false),
            (2, OneOf(&[1, 2]), false),
            (3, Flag, false),
            (8, Form::Variables, false),
            (16, Sent, false),
        ],
    ),
    (7, &[]),
    (8, &[]),
    (9, &[]),
    (
        129,
        &[
            (1, Bytes, REQUIRED),
            (2, Text, false),
            (3, Number(8), false),
        ],
    ),
    (
        130,
        &[
            (1, OneOf(&[2, 3, 4, 5, 6, 7]), REQUIRED),
            (2, Text, REQUIRED),
            (3, Text, false),
        ],
    ),
    (131, &[(1, Text, REQUIRED)]),
    (132, &[]),
    (133, &[(1, Number(1), REQUIRED)]),
    (134, &[(16, Texts, false)]),
];

/// Decodes `body` by the documentation alone; `None` if it does not follow the format. Requests and
/// responses differ in nothing but which kinds are known.
pub(crate) fn decode(body: &[u8], is_request: bool) -> Option<Plain> {
    let (&version, &kind) = (body.first()?, body.get(1)?);
    let mut all = Vec::<(u8, &[u8])>::new();
    let mut at = 2;
    while at < body.len() {
        let len = usize::from(*body.get(at + 1)?) * 256 + usize::from(*body.get(at + 2)?);
        all.push((body[at], body.get(at + 3..at + 3 + len)?));
        at += 3 + len;
    }
    let values = |tag| all.iter().filter(move |field| field.0 == tag);
    if version == 0 || (0..=15).any(|tag| values(tag).count() > 1) {
        return None;
    }
    let known = TABLE
        .iter()
        .find(|row| row.0 == kind && is_request == (kind < 128));
    let fields = known.map_or(&[][..], |row| row.1);
    let byte = |value: &[u8]| (value.len() == 1).then(|| u64::from(value[0]));
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).ok();
    let mut plain = Vec::new();
    for &(tag, form, is_required) in fields {
        let value = values(tag).next().map(|field| field.1);
        if value.is_none() && is_required {
            return None;
        }
        plain.push(match (form, value) {
            (Sent, _) => {
                let is_sent = values(8).next().is_some_and(|field| field.1 == [2]);
                let all: Option<_> = values(16).map(|field| pair(field.1)).collect();
                if is_sent {
                    Some(Value::List(all?))
                } else {
                    None
                }
            }
            (Texts, _) => {
                let all = values(tag).map(|field| Some(Value::Text(text(field.1)?)));
                Some(Value::List(all.collect::<Option<_>>()?))
            }
            (Flag | OneOf(_) | Form::Variables, None) => Some(Value::Number(0)),
            (_, None) => None,
            (Text, Some(value)) => Some(Value::Text(text(value)?)),
            (Label, Some(value)) => text(value).filter(|text| text.len() <= 64).map(Value::Text),
            (Bytes, Some(value)) => Some(Value::Bytes(value.to_vec())),
            (Number(len), Some(value)) if value.len() == len => {
                let number = value
                    .iter()
                    .fold(0, |sum, &byte| sum * 256 + u64::from(byte));
                Some(Value::Number(number))
            }
            (Number(_), Some(_)) => return None,
            (Flag, Some(value)) => Some(Value::Number(byte(value)?.min(1))),
            (OneOf(known), Some(value)) => {
                let byte = byte(value)?;
                let is_known = known.iter().any(|&known| u64::from(known) == byte);
                Some(Value::Number(if is_known { byte } else { 0 }))
            }
            (Form::Variables, Some(value)) => Some(Value::Number(match byte(value)? {
                other @ (0 | 2) => other,
                _ => 1,
            })),
        });
    }
    Some((kind, plain))
}

/// NAME=VALUE.
fn pair(value: &[u8]) -> Option<Value> {
    let mut parts = value.splitn(2, |byte| *byte == b'=');
    let name = String::from_utf8(parts.next()?.to_vec()).ok()?;
    Some(Value::Pair(name, parts.next()?.to_vec()))
}
