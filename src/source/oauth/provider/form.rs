//! The body of a request, in a buffer that is wiped.

use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// A byte of a secret takes at most three, as `%2B`.
const MAX_ENCODED: usize = 3;

/// The form `template` with `values` in their fields; a field that it lacks is appended, and the
/// field `omitted` is left out. oauth2 makes the template, with empty fields for the secrets.
pub(super) fn fill(
    template: &[u8],
    values: &[(&str, &Secret)],
    omitted: Option<&str>,
) -> Zeroizing<Vec<u8>> {
    // One allocation: a buffer that grows leaves copies behind.
    let capacity = template.len() * MAX_ENCODED
        + values
            .iter()
            .map(|(name, value)| name.len() + value.expose().len() * MAX_ENCODED + 2)
            .sum::<usize>();
    let mut form = Zeroizing::new(Vec::with_capacity(capacity));
    let mut fields: Vec<&str> = Vec::new();
    let template: Vec<_> = form_urlencoded::parse(template).collect();
    for (name, value) in &template {
        if omitted == Some(name) {
            continue;
        }
        fields.push(name);
        let secret = values.iter().find(|(field, _)| field == name);
        write_pair(
            &mut form,
            name,
            secret.map_or(value, |(_, value)| value.expose()),
        );
    }
    for (name, value) in values {
        if !fields.contains(name) {
            write_pair(&mut form, name, value.expose());
        }
    }
    form
}

fn write_pair(form: &mut Vec<u8>, name: &str, value: &str) {
    if !form.is_empty() {
        form.push(b'&');
    }
    write_encoded(form, name);
    form.push(b'=');
    write_encoded(form, value);
}

/// Appends `text` as `application/x-www-form-urlencoded` has it.
pub(super) fn write_encoded(to: &mut Vec<u8>, text: &str) {
    for part in form_urlencoded::byte_serialize(text.as_bytes()) {
        to.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_fill_their_fields() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let (token, key) = (secret("a+b/c=ü &"), secret("k"));
        for (template, values, omitted, expected) in [
            ("", vec![], None, ""),
            ("a=1&b=x+y", vec![], None, "a=1&b=x+y"),
            (
                "grant_type=refresh_token&refresh_token=&client_id=c",
                vec![("refresh_token", &token), ("client_secret", &key)],
                None,
                "grant_type=refresh_token&refresh_token=a%2Bb%2Fc%3D%C3%BC+%26&client_id=c&client_secret=k",
            ),
            ("a=1&client_id=c", vec![], Some("client_id"), "a=1"),
        ] {
            let form = fill(template.as_bytes(), &values, omitted);
            assert_eq!(std::str::from_utf8(&form).unwrap(), expected);
        }
    }

    #[test]
    fn the_buffer_is_never_reallocated() {
        let secret = Secret::new("\u{1}ü&".repeat(50));
        let template = b"a=%C3%BC&b=\x01\x02&token=";
        let form = fill(template, &[("token", &secret), ("other", &secret)], None);
        let capacity = template.len() * 3 + 2 * (5 + secret.expose().len() * 3 + 2);
        assert!(form.len() <= capacity);
    }
}
