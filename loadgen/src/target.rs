//! What a run plays against, as shown to readers, and the name that each request of a run carries. The type itself is the
//! reference client side's. Neighbours: `live::url` parses one from the command line, the simulated world builds its own.

pub use rehearsal_reference::target::Target;

/// The WebSocket address as a URL; a path that says nothing is left out.
pub fn ws_url(target: &Target) -> String {
    let scheme = if target.ws.tls { "wss" } else { "ws" };
    let path = if target.path == "/" { "" } else { target.path.as_str() };
    format!("{scheme}://{}{path}", target.ws.authority())
}

/// The HTTP address as a URL.
pub fn http_url(target: &Target) -> String {
    format!("{}://{}", if target.http.tls { "https" } else { "http" }, target.http.authority())
}

/// The `User-Agent` of every request of a run: `rehearsal/VERSION (run id)`.
pub fn user_agent(run_id: &str) -> String {
    format!("rehearsal/{} ({run_id})", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_reference::network::Endpoint;

    #[test]
    fn urls_put_brackets_around_an_ipv6_address() {
        let ws = Endpoint { host: "::1".into(), port: 8080, tls: true };
        let http = Endpoint { tls: false, ..ws.clone() };
        let target = Target {
            http,
            ws,
            path: "/ws".into(),
            user_agent: String::new(),
            headers: Default::default(),
            cookies: Default::default(),
        };
        assert_eq!(ws_url(&target), "wss://[::1]:8080/ws");
        assert_eq!(http_url(&target), "http://[::1]:8080");
    }

    #[test]
    fn a_bare_path_does_not_end_a_url_with_a_slash() {
        let ws = Endpoint { host: "127.0.0.1".into(), port: 8080, tls: false };
        let target = Target {
            http: ws.clone(),
            ws,
            path: "/".into(),
            user_agent: String::new(),
            headers: Default::default(),
            cookies: Default::default(),
        };
        assert_eq!(ws_url(&target), "ws://127.0.0.1:8080");
    }
}
