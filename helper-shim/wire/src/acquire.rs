//! The fields of the request for a credential.

use crate::{
    Acquire, DecodeError, Format, MAX_LABEL_LEN, Variables,
    codec::{ACQUIRE, truncated},
    frame::{Fields, required},
    variables::VariableFields,
};

impl Acquire {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let cache_lifetime_ms = self.cache_lifetime_ms.to_be_bytes();
        let deadline_ms = self.deadline_ms.to_be_bytes();
        let format = [match self.format {
            Format::Key => 0,
            Format::Headers => 1,
            Format::Json => 2,
            Format::Oauth => 3,
        }];
        let reveal = [u8::from(self.reveal)];
        let pid = self.pid.map(u32::to_be_bytes);

        let mut fields: Vec<(u8, &[u8])> = Vec::new();
        fields.extend(
            self.profile
                .as_deref()
                .map(|profile| (1, truncated(profile))),
        );
        fields.extend(
            self.gateway
                .as_deref()
                .map(|gateway| (2, truncated(gateway))),
        );
        fields.push((3, &cache_lifetime_ms));
        fields.push((4, &format));
        fields.push((5, &deadline_ms));
        fields.push((6, &reveal));
        fields.extend(pid.as_ref().map(|pid| (7, pid.as_slice())));
        fields.extend(label(self.client.as_deref()).map(|client| (9, client)));
        fields.extend(label(self.context.as_deref()).map(|context| (10, context)));
        VariableFields::new(&self.variables).frame(ACQUIRE, fields)
    }

    pub(crate) fn decode(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            profile: fields.text(1, "profile")?,
            gateway: fields.text(2, "gateway")?,
            cache_lifetime_ms: required(
                fields.number(3, "cache_lifetime_ms")?,
                "cache_lifetime_ms",
            )?,
            format: match fields.byte(4, "format")? {
                Some(1) => Format::Headers,
                Some(2) => Format::Json,
                Some(3) => Format::Oauth,
                // The shim prints, so an unknown format makes no difference to the daemon.
                _ => Format::Key,
            },
            deadline_ms: required(fields.number(5, "deadline_ms")?, "deadline_ms")?,
            reveal: fields.byte(6, "reveal")?.is_some_and(|reveal| reveal != 0),
            pid: fields.array(7, "pid", "4 bytes")?.map(u32::from_be_bytes),
            client: fields.label(9),
            context: fields.label(10),
            variables: Variables::decode(fields)?,
        })
    }
}

/// The bytes of a label, if it is one: a truncated label would be another one.
fn label(label: Option<&str>) -> Option<&[u8]> {
    label
        .filter(|label| label.len() <= MAX_LABEL_LEN)
        .map(str::as_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HEADER_LEN, Request};

    fn labelled(client: &str, context: &str) -> Acquire {
        Acquire {
            client: Some(client.to_owned()),
            context: Some(context.to_owned()),
            ..Acquire::default()
        }
    }

    fn decoded(frame: &[u8]) -> Acquire {
        match Request::decode(&frame[HEADER_LEN..]) {
            Ok(Request::Acquire(acquire)) => acquire,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_overlong_label_is_absent_and_never_truncated() {
        let longest = "é".repeat(MAX_LABEL_LEN / 2);
        let request = labelled(&longest, &longest);
        assert_eq!(decoded(&request.encode()), request);
        let over = "x".repeat(MAX_LABEL_LEN + 1);
        let (client, context) = (labelled(&over, "interactive"), labelled("codex", &over));
        assert_eq!(decoded(&client.encode()).client, None);
        assert_eq!(
            decoded(&client.encode()).context.as_deref(),
            Some("interactive")
        );
        assert_eq!(decoded(&context.encode()).client.as_deref(), Some("codex"));
        assert_eq!(decoded(&context.encode()).context, None);
    }

    #[test]
    fn a_label_that_is_not_one_fails_no_request() {
        let without = Acquire::default().encode();
        for bad in [&b"\xff"[..], &[b'x'; MAX_LABEL_LEN + 1]] {
            for tag in [9, 10] {
                let mut frame = without.clone();
                frame.extend([tag, 0, bad.len() as u8]);
                frame.extend(bad);
                assert_eq!(decoded(&frame), Acquire::default(), "{tag} {bad:?}");
            }
        }
    }

    #[test]
    fn the_debug_output_shows_no_context() {
        let request = labelled("codex", "sk-canary");
        let shown = format!("{request:?}");
        assert!(
            shown.contains("codex") && !shown.contains("sk-canary"),
            "{shown}"
        );
    }
}
