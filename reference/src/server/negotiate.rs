//! Which of two media types an `Accept` header asks for (RFC 9110, section 12.5.1). Neighbours: `http`, for `/metrics`.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};

/// One media range, such as `text/*;q=0.5`.
#[derive(Debug, PartialEq)]
struct Range {
    kind: String,
    subtype: String,
    quality: f32,
}

/// How well a range fits a type: the exact one before `type/*` before `*/*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Any,
    Kind,
    Exact,
}

/// Whether `offered` is wanted more than `default`: by its quality, and between equals by how exactly it is named.
pub(super) fn prefers(headers: &HeaderMap, offered: &str, default: &str) -> bool {
    let ranges: Vec<Range> = headers.get_all(ACCEPT).iter().flat_map(ranges).collect();
    let wanted = |media_type| {
        let fitting = ranges.iter().filter_map(|range| Some((range.fit(media_type)?, range.quality)));
        // The most exact range decides; of several such the first.
        fitting.reduce(|best, other| if other.0 > best.0 { other } else { best })
    };
    let (Some((offered_fit, offered)), default) = (wanted(offered), wanted(default)) else { return false };
    match default {
        None => offered > 0.0,
        Some((default_fit, default)) => offered > default || (offered == default && offered_fit > default_fit),
    }
}

fn ranges(header: &HeaderValue) -> impl Iterator<Item = Range> {
    header.to_str().unwrap_or_default().split(',').filter_map(range)
}

/// A range that cannot be read asks for nothing.
fn range(text: &str) -> Option<Range> {
    let mut parts = text.split(';');
    let (kind, subtype) = parts.next()?.trim().split_once('/')?;
    let quality = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>())
    });
    let quality = quality.unwrap_or(Ok(1.0)).ok().filter(|quality| (0.0..=1.0).contains(quality))?;
    Some(Range { kind: kind.to_ascii_lowercase(), subtype: subtype.to_ascii_lowercase(), quality })
}

impl Range {
    fn fit(&self, media_type: &str) -> Option<Fit> {
        match (self.kind.as_str(), self.subtype.as_str()) {
            ("*", "*") => Some(Fit::Any),
            (kind, "*") => media_type.split_once('/').filter(|of| of.0 == kind).map(|_| Fit::Kind),
            (kind, subtype) => (media_type.split_once('/') == Some((kind, subtype))).then_some(Fit::Exact),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks_for_text(headers: &[&str]) -> bool {
        let accept = headers.iter().map(|value| (ACCEPT, value.parse().unwrap())).collect();
        prefers(&accept, "text/plain", "application/json")
    }

    #[test]
    fn text_is_chosen_only_where_it_is_wanted_more() {
        for wanted in [
            "text/plain",
            "TEXT/Plain; Version=0.0.4",
            "text/*",
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/json;q=0.4, text/plain;q=0.5",
            "text/plain, */*",
            "application/json;q=0, */*",
        ] {
            assert!(asks_for_text(&[wanted]), "{wanted}");
        }
        for unwanted in [
            "*/*",
            "",
            "application/json",
            "text/html",
            "text/plain;q=0, */*",
            "text/plain;q=0",
            "text/plain, application/json",
            "text/plain;Q=0.5, application/*;q=0.9",
            "text/plain;q=7",
            "text/plain;q=rubbish",
            "rubbish",
        ] {
            assert!(!asks_for_text(&[unwanted]), "{unwanted}");
        }
    }

    #[test]
    fn several_headers_count_as_one() {
        assert!(asks_for_text(&["application/json;q=0.1", "text/plain"]));
        assert!(!asks_for_text(&["text/plain;q=0.1", "application/json"]));
        assert!(!asks_for_text(&[]));
    }
}
