//! Text of a program or server in a message; see [`ForeignText`].

pub(super) use crate::network::one_line;
use crate::{
    network::{ForeignText, RequestSecrets},
    secret::Secret,
};

/// As [`one_line`], or a placeholder if `text` repeats `secret`, as it is or encoded.
pub(super) fn one_line_without(text: &str, secret: &str) -> String {
    let secret = Secret::new(secret.to_owned());
    ForeignText::new(text).clean(&RequestSecrets::from_iter([secret]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_with_a_secret_is_omitted() {
        assert!(!one_line_without("bad password 'hunter2'", "hunter2").contains("hunter2"));
        assert_eq!(one_line_without("bad password", ""), "bad password");
    }
}
