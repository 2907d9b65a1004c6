//! Targets as people write them: `ws://127.0.0.1:8080`, `wss://stg.example/signal`, `https://[::1]:8443`.
//! Neighbours: `options` holds the result. Left out: user names, queries and fragments, which a target has no use for.

use crate::target::Target;
use rehearsal_reference::cookies::Cookies;
use rehearsal_reference::network::Endpoint;
use rehearsal_reference::target::Headers;

/// What is wrong with an address of a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "bad address `{url}`: {why}\n  hint: write it like ws://127.0.0.1:8080, wss://stg.example/path, or for HTTP https://stg.example"
)]
pub struct BadUrl {
    /// As it was written.
    pub url: String,
    /// What is wrong with it.
    pub why: String,
}

/// The target with these addresses. Without an HTTP address it is the same host and port, with TLS if the WebSocket has it.
pub fn target(ws: &str, http: Option<&str>, user_agent: String) -> Result<Target, BadUrl> {
    let (ws, path) = parse(ws, ["ws", "wss"])?;
    let http = match http {
        Some(url) => match parse(url, ["http", "https"])? {
            (http, path) if path == "/" => http,
            (_, path) => return Err(bad(url, format!("an HTTP address has no path, and this one has `{path}`"))),
        },
        None => ws.clone(),
    };
    Ok(Target { ws, path, http, user_agent, headers: Headers::default(), cookies: Cookies::default() })
}

/// A target of which only the HTTP address is known, for cleaning up.
pub fn http_target(http: &str, user_agent: String) -> Result<Target, BadUrl> {
    let (http, _) = parse(http, ["http", "https"])?;
    Ok(Target {
        ws: http.clone(),
        path: "/".into(),
        http,
        user_agent,
        headers: Headers::default(),
        cookies: Cookies::default(),
    })
}

/// A page on some HTTP server, and its path.
pub fn page(url: &str, user_agent: String) -> Result<(Target, String), BadUrl> {
    let (http, path) = parse(url, ["http", "https"])?;
    Ok((
        Target {
            ws: http.clone(),
            path: "/".into(),
            http,
            user_agent,
            headers: Headers::default(),
            cookies: Cookies::default(),
        },
        path,
    ))
}

/// Endpoint and path of a URL with one of these schemes, the plain one first.
fn parse(url: &str, [plain, secure]: [&str; 2]) -> Result<(Endpoint, String), BadUrl> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(bad(url, format!("it does not begin with {plain}:// or {secure}://")));
    };
    let scheme = scheme.to_ascii_lowercase();
    if scheme != plain && scheme != secure {
        return Err(bad(url, format!("its scheme is `{scheme}`, expected {plain} or {secure}")));
    }
    let tls = scheme == secure;
    let (authority, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    if authority.contains('@') {
        return Err(bad(url, "it holds a user name or password".into()));
    }
    if !path.starts_with('/') || path.contains(['?', '#', ' ']) {
        return Err(bad(url, "it has a query, a fragment or a space".into()));
    }
    let (host, port) = host_and_port(url, authority, if tls { 443 } else { 80 })?;
    Ok((Endpoint { host, port, tls }, path.to_owned()))
}

fn host_and_port(url: &str, authority: &str, default: u16) -> Result<(String, u16), BadUrl> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or_else(|| bad(url, "a bracket is not closed".into()))?;
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(bad(url, format!("`{host}` is no IPv6 address")));
        }
        match after {
            "" => (host, None),
            _ => (host, Some(after.strip_prefix(':').unwrap_or(after))),
        }
    } else {
        match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(bad(url, "it names no host".into()));
    }
    let port = match port {
        None => default,
        Some(text) => match text.parse() {
            Ok(0) | Err(_) => return Err(bad(url, format!("`{text}` is no port, expected a number from 1 to 65535"))),
            Ok(port) => port,
        },
    };
    Ok((host.to_owned(), port))
}

fn bad(url: &str, why: String) -> BadUrl {
    // What follows an @ is kept, what comes before it may be a password.
    let shown = match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => url.to_owned(),
    };
    BadUrl { url: shown, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_http_address_is_the_same_host_unless_told_otherwise() {
        let target = target("wss://stg.example/signal", None, String::new()).unwrap();
        assert_eq!(target.ws, Endpoint { host: "stg.example".into(), port: 443, tls: true });
        assert_eq!((target.path.as_str(), &target.http), ("/signal", &target.ws));
        let two = super::target("ws://127.0.0.1:8080", Some("http://[::1]:8001/"), String::new()).unwrap();
        assert_eq!(two.http, Endpoint { host: "::1".into(), port: 8001, tls: false });
    }

    #[test]
    fn bad_addresses_are_named_without_their_password() {
        let addresses = [
            "",
            "localhost:8080",
            "http://a",
            "ws://",
            "ws://a:99999",
            "ws://a:0",
            "ws://[::1",
            "ws://[x]:1",
            "ws://a?b",
            "ws://a b",
            "ws://me:secret@a",
            "ws://:80",
        ];
        for address in addresses {
            let error = target(address, None, String::new()).expect_err(address).to_string();
            assert!(error.contains("bad address") && error.contains("hint: "), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(target("ws://a", Some("http://a/api"), String::new()).is_err());
    }
}
