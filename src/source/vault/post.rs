//! Requests that vaultrs has not, or would leave secrets of in memory: its own login requests hold them as bare strings.

use async_trait::async_trait;
use rustify::{
    Endpoint,
    enums::{RequestMethod, RequestType, ResponseType},
    errors::ClientError,
};
use zeroize::Zeroizing;

/// A POST of one JSON object of strings.
pub(super) struct Post {
    path: String,
    body: Zeroizing<Vec<u8>>,
}

impl Post {
    pub(super) fn new(path: String, fields: &[(&str, &str)]) -> Self {
        // Room for all of it, so that no copy is left behind by a buffer that grows.
        let room: usize = fields
            .iter()
            .map(|(name, value)| name.len() + value.len() * 2 + 8)
            .sum();
        let mut body = Zeroizing::new(Vec::with_capacity(room + 2));
        for (name, value) in fields {
            let before = if body.is_empty() { b'{' } else { b',' };
            body.push(before);
            string(name, &mut body);
            body.push(b':');
            string(value, &mut body);
        }
        if body.is_empty() {
            body.push(b'{');
        }
        body.push(b'}');
        Self { path, body }
    }
}

fn string(text: &str, to: &mut Vec<u8>) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(to, text);
}

#[async_trait]
impl Endpoint for Post {
    type Response = ();
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        self.path.clone()
    }

    fn method(&self) -> RequestMethod {
        RequestMethod::POST
    }

    /// The transport wipes the copy.
    fn body(&self) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(Some(self.body.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_json() {
        let body = |fields: &[_]| {
            String::from_utf8(Post::new(String::new(), fields).body.to_vec()).unwrap()
        };
        assert_eq!(body(&[]), "{}");
        assert_eq!(body(&[("a", "1\""), ("b", "2")]), r#"{"a":"1\"","b":"2"}"#);
    }
}
