//! Where a deployment is reached, and how its callers name themselves. Neighbours: `peer` dials the WebSocket side,
//! `http_client` the other one. Left out: credentials, which belong to a user and not to a deployment.

use crate::cookies::Cookies;
use crate::network::Endpoint;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;

/// A deployment as its users see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where the WebSocket is.
    pub ws: Endpoint,
    /// Path of the WebSocket request, with a leading slash.
    pub path: String,
    /// Where the HTTP interface is; the same as `ws` on a server with one port.
    pub http: Endpoint,
    /// `User-Agent` of every request.
    pub user_agent: String,
    /// Further headers of every request.
    pub headers: Headers,
    /// What it has set at this user.
    pub cookies: Cookies,
}

impl Target {
    /// A server with one port for both, reached without TLS.
    pub fn plain(host: &str, port: u16, user_agent: &str) -> Target {
        let endpoint = Endpoint { host: host.to_string(), port, tls: false };
        Target {
            ws: endpoint.clone(),
            path: "/".to_string(),
            http: endpoint,
            user_agent: user_agent.to_string(),
            headers: Headers::default(),
            cookies: Cookies::default(),
        }
    }

    /// The same deployment for one user, with a jar of its own.
    pub fn for_one_user(&self, cookies: Cookies) -> Target {
        Target { cookies, ..self.clone() }
    }
}

/// Headers besides those that the protocol needs, which win where both name one. Values may be secrets: they are not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    /// Adds one.
    ///
    /// # Errors
    /// What is wrong with its name or its value, without the value.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        let parsed = name.parse().map_err(|_| format!("`{name}` is no name of a header"))?;
        let mut value: HeaderValue =
            value.parse().map_err(|_| format!("the value of the header `{name}` holds what no header may hold"))?;
        value.set_sensitive(true);
        self.0.push((parsed, value));
        Ok(())
    }

    /// Puts them into a request, where it does not have them yet.
    pub fn complete(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_complete_a_request_and_never_show_their_values() {
        let mut headers = Headers::default();
        headers.add("X-Stage", "blue").unwrap();
        headers.add("Authorization", "Bearer secret").unwrap();
        assert!(headers.add("bad name", "x").is_err() && headers.add("x", "a\nb").is_err());
        let mut request = HeaderMap::new();
        request.insert("authorization", HeaderValue::from_static("Bearer own"));
        headers.complete(&mut request);
        assert_eq!(
            (&request["x-stage"], &request["authorization"]),
            (&"blue".parse().unwrap(), &"Bearer own".parse().unwrap())
        );
        assert!(!format!("{headers:?} {request:?}").contains("secret"));
    }
}
