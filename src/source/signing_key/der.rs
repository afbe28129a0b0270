//! The part of DER (ITU-T X.690) that private keys use: definite lengths and tags of one byte.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// Reads one element after the other.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(der: &'a [u8]) -> Self {
        Self(der)
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the next element has this tag.
    pub(super) fn is_next(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The content of the next element; `None` if its tag is a different one or it is cut off.
    pub(super) fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&[found, first], rest) = self.0.split_first_chunk::<2>()?;
        if found != tag {
            return None;
        }
        let (len, rest) = match first {
            // 0x80 is an indefinite length, which DER does not have.
            0x80 => return None,
            0x81.. => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let len = bytes.iter().try_fold(0_usize, |len, byte| {
                    len.checked_mul(256)?.checked_add(usize::from(*byte))
                })?;
                (len, rest)
            }
            _ => (usize::from(first), rest),
        };
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(content)
    }

    /// The elements of the next element, a sequence.
    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.read(SEQUENCE).map(Self)
    }

    /// The next element, a positive integer of at most 32 bits.
    pub(super) fn integer(&mut self) -> Option<u32> {
        let bytes = self.read(INTEGER)?;
        if bytes.first().is_none_or(|first| *first & 0x80 != 0) {
            return None;
        }
        bytes.iter().try_fold(0_u32, |value, byte| {
            value.checked_mul(256)?.checked_add(u32::from(*byte))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_and_long_lengths() {
        let long = [&[OCTET_STRING, 0x82, 0x01, 0x00][..], &[7; 256], &[2, 1, 5]].concat();
        let mut reader = Reader::new(&long);
        assert_eq!(reader.read(OCTET_STRING), Some(&[7; 256][..]));
        assert_eq!(reader.integer(), Some(5));
        assert!(reader.is_empty());
    }

    #[test]
    fn integers_have_32_bits_and_no_sign() {
        for (der, value) in [
            (&[2, 2, 8, 0][..], Some(2048)),
            (&[2, 5, 0, 255, 255, 255, 255], Some(u32::MAX)),
            (&[2, 5, 1, 0, 0, 0, 0], None),
            (&[2, 1, 255], None),
            (&[2, 0], None),
        ] {
            assert_eq!(Reader::new(der).integer(), value, "{der:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(der: Vec<u8>, tag in prop::sample::select(vec![2_u8, 4, 6, 48])) {
            let mut reader = Reader::new(&der);
            while reader.is_next(tag) && reader.read(tag).is_some() {}
            let _ = reader.integer();
        }
    }
}
