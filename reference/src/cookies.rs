//! The cookies of one user, over its HTTP session and its WebSockets alike: load balancers pin a user to a server by one.
//! Neighbours: `target` holds them, `http_client` and `peer` send and take them. Left out: domains and paths, since a user speaks
//! with one deployment, and expiry by date, since a run is shorter than a session.

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A jar. Clones are the same jar; its content is secret, and no part of what two targets are compared by.
#[derive(Clone, Default)]
pub struct Cookies(Arc<Mutex<BTreeMap<String, String>>>);

/// More cookies than any balancer sets: a hostile server must not fill the machine.
const COOKIES_MAX: usize = 64;
const COOKIE_BYTES_MAX: usize = 4_096;

impl Cookies {
    /// Takes the cookies that an answer sets.
    pub fn take(&self, answer: &HeaderMap) {
        for cookie in answer.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            self.set(cookie);
        }
    }

    fn set(&self, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let is_gone = parts.any(|attribute| {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            key.trim().eq_ignore_ascii_case("max-age") && value.trim().parse::<i64>().is_ok_and(|age| age <= 0)
        });
        let (name, value) = (name.trim(), value.trim());
        let mut jar = self.jar();
        if is_gone || name.is_empty() {
            jar.remove(name);
        } else if name.len() + value.len() <= COOKIE_BYTES_MAX && (jar.len() < COOKIES_MAX || jar.contains_key(name)) {
            jar.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Adds them to a request; nothing if there are none.
    pub fn put(&self, request: &mut HeaderMap) {
        let jar = self.jar();
        if jar.is_empty() {
            return;
        }
        let pairs: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if let Ok(mut value) = HeaderValue::from_str(&pairs.join("; ")) {
            value.set_sensitive(true);
            request.insert(COOKIE, value);
        }
    }

    fn jar(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        // Every change is one insertion or removal: a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cookies", self.jar().len())
    }
}

impl PartialEq for Cookies {
    fn eq(&self, _: &Cookies) -> bool {
        true
    }
}

impl Eq for Cookies {}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookies: &Cookies) -> Option<String> {
        let mut request = HeaderMap::new();
        cookies.put(&mut request);
        request.get(COOKIE).map(|value| value.to_str().unwrap().to_owned())
    }

    fn answer(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|cookie| (SET_COOKIE, HeaderValue::from_str(cookie).unwrap())).collect()
    }

    #[test]
    fn what_an_answer_sets_goes_along_with_the_next_request_until_it_is_taken_back() {
        let cookies = Cookies::default();
        assert_eq!(sent(&cookies), None);
        cookies.clone().take(&answer(&["AWSALB=abc==; Path=/; HttpOnly", "b=2", "rubbish", "=x"]));
        assert_eq!(sent(&cookies).as_deref(), Some("AWSALB=abc==; b=2"));
        cookies.take(&answer(&["AWSALB=; Max-Age=0", "b=3"]));
        assert_eq!(sent(&cookies).as_deref(), Some("b=3"));
    }

    #[test]
    fn a_server_cannot_fill_the_jar_and_nobody_sees_into_it() {
        let cookies = Cookies::default();
        let many: Vec<String> = (0..1_000).map(|nth| format!("c{nth}=hush")).collect();
        cookies.take(&answer(&many.iter().map(String::as_str).collect::<Vec<_>>()));
        cookies.take(&answer(&[&format!("long={}", "x".repeat(10_000))]));
        assert_eq!(format!("{cookies:?}"), "64 cookies");
    }
}
