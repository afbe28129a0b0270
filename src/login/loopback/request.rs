//! Which request is a callback.

use http::{
    Method, Request, StatusCode,
    header::{HOST, HeaderMap},
};
use url::Url;
use zeroize::Zeroizing;

/// Why a request is not a callback; `Display` is the response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// No `Host`, or several (RFC 9112 section 3.2).
    #[error("bad request: expected one Host")]
    NoHost,
    /// A name that resolves to this machine: DNS rebinding, by which a web page reads what another
    /// origin shows.
    #[error("misdirected request: expected the Host of the redirect URI")]
    OtherHost,
    /// Another path than the redirect URI's, such as `/favicon.ico`.
    #[error("not found")]
    Path,
    /// Another method than GET. A form (`response_mode=form_post`) is never asked for, and a
    /// preview by HEAD must not use up the callback.
    #[error("method not allowed: expected GET")]
    Method,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::NoHost => StatusCode::BAD_REQUEST,
            Self::OtherHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

/// Returns the query of a request for `redirect_uri`, empty if it has none.
///
/// `Origin` and `Sec-Fetch-*` do not matter: a redirect is a navigation from another site, and
/// older browsers send neither.
///
/// # Errors
///
/// [`Refusal`].
pub(super) fn callback_query<B>(
    request: &Request<B>,
    redirect_uri: &Url,
) -> Result<Zeroizing<String>, Refusal> {
    let uri = request.uri();
    let own = redirect_uri.authority();
    let is_own_target = uri.authority().is_none_or(|authority| authority == own);
    if host(request.headers())? != own.as_bytes() || !is_own_target {
        return Err(Refusal::OtherHost);
    }
    if uri.path() != redirect_uri.path() {
        return Err(Refusal::Path);
    }
    if request.method() != Method::GET {
        return Err(Refusal::Method);
    }
    Ok(Zeroizing::new(uri.query().unwrap_or_default().to_owned()))
}

fn host(headers: &HeaderMap) -> Result<&[u8], Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Ok(host.as_bytes()),
        _ => Err(Refusal::NoHost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REDIRECT_URI: &str = "http://127.0.0.1:4711/callback";

    fn query(method: &str, target: &str, hosts: &[&str]) -> Result<String, Refusal> {
        let mut request = Request::builder().method(method).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let request = request.body(()).unwrap();
        callback_query(&request, &REDIRECT_URI.parse().unwrap()).map(|query| query.to_string())
    }

    #[test]
    fn a_callback_is_a_get_of_the_redirect_uri() {
        let own = &["127.0.0.1:4711"];
        assert_eq!(query("GET", "/callback?a=b", own).as_deref(), Ok("a=b"));
        assert_eq!(query("GET", "/callback", own).as_deref(), Ok(""));
        let absolute = format!("{REDIRECT_URI}?a=b");
        assert_eq!(query("GET", &absolute, own).as_deref(), Ok("a=b"));
        for path in [
            "/",
            "/favicon.ico",
            "/callback/",
            "/Callback",
            "/callback%20",
            "//callback",
        ] {
            assert_eq!(query("GET", path, own), Err(Refusal::Path), "{path}");
        }
        for method in ["POST", "HEAD", "OPTIONS", "PUT", "TRACE", "get"] {
            let refused = query(method, "/callback?a=b", own);
            assert_eq!(refused, Err(Refusal::Method), "{method}");
        }
    }

    #[test]
    fn the_host_is_exact() {
        for host in [
            "localhost:4711",
            "127.0.0.1",
            "127.0.0.1:4712",
            "127.0.0.1:04711",
            "127.0.0.1:4711.",
            "127.1:4711",
            "[::1]:4711",
            "rebound.example:4711",
            "",
        ] {
            let refused = query("GET", "/callback", &[host]);
            assert_eq!(refused, Err(Refusal::OtherHost), "{host}");
        }
        let own = "127.0.0.1:4711";
        for hosts in [&[][..], &[own, own], &[own, "localhost"]] {
            assert_eq!(query("GET", "/callback", hosts), Err(Refusal::NoHost));
        }
        let target = "http://rebound.example:4711/callback";
        assert_eq!(query("GET", target, &[own]), Err(Refusal::OtherHost));
    }

    /// `Url` omits the default port, as browsers do.
    #[test]
    fn the_host_has_no_port_80() {
        let uri = Url::parse("http://127.0.0.1:80/").unwrap();
        for (host, is_own) in [("127.0.0.1", true), ("127.0.0.1:80", false)] {
            let request = Request::builder().uri("/").header(HOST, host);
            let query = callback_query(&request.body(()).unwrap(), &uri);
            assert_eq!(query.is_ok(), is_own, "{host}");
        }
    }
}
