//! A person with a browser, by plain HTTP: cookies, redirects and forms, no scripts.

use std::collections::BTreeMap;

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, redirect::Policy};
use serde_json::{Value, json};
use url::Url;

use super::{PASSWORD, USER, html::form};

/// More steps than a sign-in has.
const MAX_STEPS: usize = 20;

/// A page that the person sees.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// A person with the password [`PASSWORD`]. Cookies stay, so the second sign-in needs no password.
pub(crate) struct Person {
    user: &'static str,
    client: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

/// What the person does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Allow,
    Deny,
}

impl Person {
    /// The person [`USER`].
    pub(crate) fn new() -> Self {
        Self::named(USER)
    }

    pub(crate) fn named(user: &'static str) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .tls_danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        Self {
            user,
            client,
            cookies: BTreeMap::new(),
        }
    }

    /// Opens an authorization URL and signs in; returns the last page, which is the client's.
    pub(crate) async fn sign_in(&mut self, authorization_url: &str) -> Page {
        self.complete(authorization_url, Decision::Allow).await
    }

    /// Opens an authorization URL and denies access, which Glewlwyd's page cannot; returns the last
    /// page, which is the client's.
    pub(crate) async fn deny(&mut self, authorization_url: &str) -> Page {
        self.complete(authorization_url, Decision::Deny).await
    }

    /// Opens a device's `verification_uri_complete`, signs in and approves.
    pub(crate) async fn approve_device(&mut self, verification_url: &str) -> Page {
        self.complete(verification_url, Decision::Allow).await
    }

    /// Opens a device's `verification_uri_complete` and denies access, which Glewlwyd's page
    /// cannot.
    pub(crate) async fn deny_device(&mut self, verification_url: &str) -> Page {
        self.complete(verification_url, Decision::Deny).await
    }

    /// Opens `url` and fills in forms until a page has none.
    async fn complete(&mut self, url: &str, decision: Decision) -> Page {
        let mut page = self.open(url).await;
        for _ in 0..MAX_STEPS {
            let next = if page.url.path().ends_with("/login.html") {
                self.glewlwyd_login(&page, decision).await
            } else {
                self.submit(&page, decision).await
            };
            match next {
                Some(next) => page = next,
                None => return page,
            }
        }
        panic!("no end after {MAX_STEPS} forms: {page:?}");
    }

    /// Opens a page, following redirects.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        let url = Url::parse(url).unwrap();
        self.follow(Method::GET, url, None).await
    }

    /// Submits the page's form; `None` if it has none, or asks for a device's code.
    async fn submit(&mut self, page: &Page, decision: Decision) -> Option<Page> {
        let form = form(&page.body)?;
        let mut fields = form.fields;
        for (name, value) in &mut fields {
            match name.as_str() {
                "user" => self.user.clone_into(value),
                "password" => PASSWORD.clone_into(value),
                // A device's code is wrong or used up.
                "user_code" if value.is_empty() => return None,
                _ => {}
            }
        }
        // The buttons of both pages.
        fields.extend(match decision {
            Decision::Allow => vec![("action".to_owned(), "allow".to_owned())],
            Decision::Deny => vec![
                ("action".to_owned(), "deny".to_owned()),
                ("abort".to_owned(), "yes".to_owned()),
            ],
        });
        let target = page.url.join(&form.action).unwrap();
        Some(self.follow(Method::POST, target, Some(&fields)).await)
    }

    /// Does what the script of Glewlwyd's login page does: it signs in, grants the scopes and
    /// continues at the page's `callback_url`. `None` if the page asks for nothing.
    async fn glewlwyd_login(&mut self, page: &Page, decision: Decision) -> Option<Page> {
        assert!(decision == Decision::Allow, "the page cannot deny");
        let query: BTreeMap<_, _> = page.url.query_pairs().into_owned().collect();
        let (client, scope) = (query.get("client_id")?, query.get("scope")?);
        let mut callback = Url::parse(query.get("callback_url")?).unwrap();
        let login = json!({"username": self.user, "password": PASSWORD});
        self.send_json(Method::POST, page, "api/auth/", &login)
            .await;
        let path = format!("api/auth/grant/{client}");
        self.send_json(Method::PUT, page, &path, &json!({"scope": scope}))
            .await;
        callback.query_pairs_mut().append_key_only("g_continue");
        Some(self.follow(Method::GET, callback, None).await)
    }

    /// Sends JSON to a URL relative to the page's.
    async fn send_json(&mut self, method: Method, page: &Page, path: &str, body: &Value) {
        let url = page.url.join(path).unwrap();
        let request = self.client.request(method, url.clone()).json(body);
        let response = self.send(request).await;
        assert!(response.status().is_success(), "{url}: {response:?}");
    }

    async fn follow(
        &mut self,
        mut method: Method,
        mut url: Url,
        mut form: Option<&[(String, String)]>,
    ) -> Page {
        for _ in 0..MAX_STEPS {
            let mut request = self.client.request(method, url.clone());
            if let Some(form) = form {
                let mut body = url::form_urlencoded::Serializer::new(String::new());
                body.extend_pairs(form);
                request = request
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(body.finish());
            }
            let response = self.send(request).await;
            let Some(location) = response.headers().get(LOCATION) else {
                let status = response.status().as_u16();
                let body = response.text().await.unwrap();
                return Page { url, status, body };
            };
            url = url.join(location.to_str().unwrap()).unwrap();
            method = Method::GET;
            form = None;
        }
        panic!("too many redirects, the last to {url}");
    }

    /// Sends a request with the cookies, and keeps those of the answer. As in a browser, they are
    /// the same for all ports.
    async fn send(&mut self, request: reqwest::RequestBuilder) -> reqwest::Response {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request
            .header(COOKIE, cookies.join("; "))
            .send()
            .await
            .unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = cookie.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }
}
