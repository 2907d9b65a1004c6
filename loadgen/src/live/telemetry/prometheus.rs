//! Numbers as Prometheus text (exposition format 0.0.4). Neighbours: `points`.

use super::points::{Point, PointKind};
use std::fmt::Write;

/// What the page is.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The page.
pub(super) fn text(points: &[Point]) -> String {
    let mut page = String::new();
    let mut named = "";
    for point in points {
        // Writing into a string cannot fail.
        if point.name != named {
            named = point.name;
            let kind = match point.kind {
                PointKind::Gauge => "gauge",
                PointKind::Counter => "counter",
            };
            let _ = writeln!(page, "# HELP {named} {}\n# TYPE {named} {kind}", point.help);
        }
        let labels: Vec<String> =
            point.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(page, "{named}{labels} {}", point.value);
    }
    page
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_one_name_have_one_head_and_labels_are_escaped() {
        let point = |class: &str, value| Point {
            name: "rehearsal_errors_total",
            help: "Errors.",
            kind: PointKind::Counter,
            labels: vec![("class", class.to_owned())],
            value,
        };
        let page = text(&[point("timed_out", 3.0), point("a \"b\"\\\nc", 0.5)]);
        assert_eq!(
            page,
            "# HELP rehearsal_errors_total Errors.\n# TYPE rehearsal_errors_total counter\n\
             rehearsal_errors_total{class=\"timed_out\"} 3\nrehearsal_errors_total{class=\"a \\\"b\\\"\\\\\\nc\"} 0.5\n"
        );
        // What we write, our own reader of such pages understands.
        assert_eq!(rehearsal_reports::metrics::of_page(&page).unwrap()["rehearsal_errors_total"], 3.5);
    }
}
