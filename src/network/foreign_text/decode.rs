//! What a text may be an encoding of.

use zeroize::Zeroizing;

/// How many encodings may be nested.
const MAX_DEPTH: usize = 3;

/// The shortest run of base64 or hex digits that is decoded.
const MIN_RUN: usize = 8;

/// The most texts that one text is decoded to: a hostile one must not cost more.
const MAX_TEXTS: usize = 128;

/// Returns what a text may decode to.
type Decoder = fn(&[u8]) -> Vec<Zeroizing<Vec<u8>>>;

const DECODERS: [Decoder; 5] = [percent, escapes, entities, base64, hex];

/// `text`, and everything that it, or a part of it, decodes to: URL encoding, JSON and HTML
/// escapes, base64 and hex, also one in another.
pub(super) fn decodings(text: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut all = vec![Zeroizing::new(text.to_vec())];
    let mut level = 0..1;
    for _ in 0..MAX_DEPTH {
        for at in level.clone() {
            for decoder in DECODERS {
                let decoded = decoder(&all[at]);
                let is_new = |text: &Zeroizing<Vec<u8>>| !text.is_empty() && !all.contains(text);
                let new: Vec<_> = decoded.into_iter().filter(is_new).collect();
                all.extend(new);
                if all.len() >= MAX_TEXTS {
                    return all;
                }
            }
        }
        level = level.end..all.len();
    }
    all
}

/// `%41`.
fn percent(text: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    replaced(text, |rest| match rest {
        [b'%', high, low, ..] => Some((3, vec![hex_digit(*high)? << 4 | hex_digit(*low)?])),
        _ => None,
    })
}

/// `\u0041`, `\"`, `\/`, `\x41`.
fn escapes(text: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    replaced(text, |rest| match rest {
        [b'\\', b'u', digits @ ..] => Some((6, utf8(number(digits.get(..4)?, 16)?)?)),
        [b'\\', b'x', digits @ ..] => Some((4, utf8(number(digits.get(..2)?, 16)?)?)),
        [b'\\', escaped @ (b'"' | b'\\' | b'/' | b'\''), ..] => Some((2, vec![*escaped])),
        _ => None,
    })
}

/// `&#65;`, `&#x41;`, `&quot;`.
fn entities(text: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    replaced(text, |rest| {
        let end = rest.iter().take(10).position(|byte| *byte == b';')?;
        let decoded = match rest.get(..end)? {
            [b'&', b'#', b'x' | b'X', digits @ ..] => utf8(number(digits, 16)?)?,
            [b'&', b'#', digits @ ..] => utf8(number(digits, 10)?)?,
            b"&quot" => vec![b'"'],
            b"&amp" => vec![b'&'],
            b"&lt" => vec![b'<'],
            b"&gt" => vec![b'>'],
            b"&apos" => vec![b'\''],
            _ => return None,
        };
        Some((end + 1, decoded))
    })
}

/// The runs of base64 digits of either alphabet, from each of the four places at which a group may
/// start: the run may begin with a part of something else.
fn base64(text: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let decode = |start| of_runs(text, base64_digit, 6, start);
    (0..4).map(decode).collect()
}

fn hex(text: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    (0..2)
        .map(|start| of_runs(text, hex_digit, 4, start))
        .collect()
}

/// What the runs of digits in `text` stand for, each from its digit number `start`, with a blank
/// between two.
fn of_runs(
    text: &[u8],
    digit: fn(u8) -> Option<u8>,
    bits: u32,
    start: usize,
) -> Zeroizing<Vec<u8>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    for run in text.split(|byte| digit(*byte).is_none()) {
        if run.len() >= MIN_RUN {
            decoded.extend_from_slice(&groups(&run[start..], digit, bits));
            decoded.push(b' ');
        }
    }
    decoded
}

/// `text` with each part that `decode` recognizes replaced; it returns the length of the part and
/// what it stands for. Empty if there is none.
fn replaced(
    text: &[u8],
    decode: impl Fn(&[u8]) -> Option<(usize, Vec<u8>)>,
) -> Vec<Zeroizing<Vec<u8>>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut at = 0;
    let mut found = false;
    while let Some(byte) = text.get(at) {
        match decode(&text[at..]) {
            Some((length, bytes)) => {
                found = true;
                decoded.extend_from_slice(&bytes);
                at += length;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    if found { vec![decoded] } else { Vec::new() }
}

/// The bytes that digits of `bits` bits each stand for.
fn groups(run: &[u8], digit: fn(u8) -> Option<u8>, bits: u32) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(run.len()));
    let (mut value, mut have) = (0_u32, 0);
    for digit in run.iter().filter_map(|byte| digit(*byte)) {
        value = value << bits | u32::from(digit);
        have += bits;
        if have >= 8 {
            have -= 8;
            bytes.push(u8::try_from(value >> have & 0xff).unwrap_or_default());
        }
    }
    bytes
}

fn base64_digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

/// The character with this number.
fn utf8(number: u32) -> Option<Vec<u8>> {
    Some(char::from_u32(number)?.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_encoding_in_another_is_decoded() {
        // printf abcdefgh | base64 | xxd -p
        let text = b"x 59574a6a5a47566d5a32673d y";
        let all = decodings(text);
        assert!(all.iter().any(|text| text.starts_with(b"abcdefgh")));
    }

    #[test]
    fn a_hostile_text_is_not_decoded_for_ever() {
        let text = "QUJDREVGR0g=%2541\\u0041&#65;".repeat(100);
        assert!(decodings(text.as_bytes()).len() <= MAX_TEXTS + 4);
    }
}
