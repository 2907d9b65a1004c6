//! Which words in error events name a failure to reach the target or to understand it, apart from refusals in the
//! protocol's own words. Neighbours: `pulse` counts them, `preflight` ends at one.

use rehearsal_reference::failure::FailureClass;
use rehearsal_reports::event::{Body, Kind, Name};

/// The class of the failure that this end of an operation tells, with its words; none if it tells none, or only that
/// something did not come that a step waited for.
pub fn failure_in(kind: Kind, conn: u32, body: &Body) -> Option<(FailureClass, &Name)> {
    let Body::Error { code, message, .. } = body else { return None };
    // An `expect` and a meeting concern no connection; their end is certain, unlike that of a request.
    let is_wait = conn == 0 && kind == Kind::Failed && matches!(&**code, "timed_out" | "closed");
    if is_wait { None } else { class_of(code).map(|class| (class, message)) }
}

/// The class behind a word in an event; none for refusals in the protocol's own words.
fn class_of(code: &str) -> Option<FailureClass> {
    Some(match code {
        "refused" => FailureClass::Refused,
        "timed_out" => FailureClass::TimedOut,
        "reset" | "closed" => FailureClass::Reset,
        "dns" => FailureClass::Dns,
        "tls" => FailureClass::Tls,
        "not_websocket" => FailureClass::NotWebsocket,
        "not_http" => FailureClass::NotHttp,
        "garbage" => FailureClass::Garbage,
        "other" => FailureClass::Other,
        _ => FailureClass::Status(code.strip_prefix("http_")?.parse().ok()?),
    })
}
