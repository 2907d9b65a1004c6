//! Where a deployment is reached, and how its callers name themselves. Neighbours: `peer` dials the WebSocket side,
//! `http_client` the other one. Left out: credentials, which belong to a user and not to a deployment.

use crate::cookies::Cookies;
use crate::network::Endpoint;

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
    /// What it has set at this user.
    pub cookies: Cookies,
}

impl Target {
    /// A server with one port for both, reached without TLS.
    pub fn plain(host: &str, port: u16, user_agent: &str) -> Target {
        let endpoint = Endpoint { host: host.to_string(), port, tls: false };
        let (path, user_agent, cookies) = ("/".to_string(), user_agent.to_string(), Cookies::default());
        Target { ws: endpoint.clone(), path, http: endpoint, user_agent, cookies }
    }

    /// The same deployment for one user, with a jar of its own.
    pub fn for_one_user(&self) -> Target {
        Target { cookies: Cookies::default(), ..self.clone() }
    }
}
