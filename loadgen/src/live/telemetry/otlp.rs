//! Numbers as an OTLP export request in JSON (OTLP/HTTP 1.x, `ExportMetricsServiceRequest`). Neighbours: `points`.

use super::points::{Point, PointKind};
use serde_json::{Value, json};

/// Where a collector takes them, unless its address names another path.
pub(super) const PATH: &str = "/v1/metrics";
/// Cumulative: a sum counts from the start time.
const CUMULATIVE: u8 = 2;

/// The request. Times are nanoseconds since 1970, as strings, since JSON numbers are not exact so far out.
pub(super) fn body(points: &[Point], run_id: &str, began_ns: u64, now_ns: u64) -> Value {
    let metrics: Vec<Value> =
        points.chunk_by(|a, b| a.name == b.name).map(|points| metric(points, began_ns, now_ns)).collect();
    let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    json!({ "resourceMetrics": [{
        "resource": { "attributes": [attribute("service.name", "rehearsal"), attribute("service.instance.id", run_id)] },
        "scopeMetrics": [{
            "scope": { "name": "rehearsal", "version": env!("CARGO_PKG_VERSION") },
            "metrics": metrics,
        }],
    }] })
}

fn metric(points: &[Point], began_ns: u64, now_ns: u64) -> Value {
    let data: Vec<Value> = points
        .iter()
        .map(|point| {
            let attributes: Vec<Value> = point
                .labels
                .iter()
                .map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } }))
                .collect();
            json!({
                "attributes": attributes,
                "startTimeUnixNano": began_ns.to_string(),
                "timeUnixNano": now_ns.to_string(),
                "asDouble": point.value,
            })
        })
        .collect();
    let Point { name, help, kind, .. } = &points[0];
    match kind {
        PointKind::Gauge => json!({ "name": name, "description": help, "gauge": { "dataPoints": data } }),
        PointKind::Counter => json!({
            "name": name,
            "description": help,
            "sum": { "aggregationTemporality": CUMULATIVE, "isMonotonic": true, "dataPoints": data },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_cumulative_sums_and_points_of_one_name_are_one_metric() {
        let point = |name, kind, class: &str| Point {
            name,
            help: "Help.",
            kind,
            labels: vec![("class", class.to_owned())],
            value: 2.0,
        };
        let points = [
            point("errors_total", PointKind::Counter, "a"),
            point("errors_total", PointKind::Counter, "b"),
            point("users", PointKind::Gauge, "c"),
        ];
        let body = body(&points, "r1", 5, 7);
        let metrics = &body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
        assert_eq!(metrics.as_array().map(Vec::len), Some(2));
        let sum = &metrics[0]["sum"];
        assert_eq!((&sum["isMonotonic"], &sum["aggregationTemporality"]), (&json!(true), &json!(2)));
        assert_eq!(sum["dataPoints"][1]["attributes"][0]["value"]["stringValue"], "b");
        assert_eq!(metrics[1]["gauge"]["dataPoints"][0]["timeUnixNano"], "7");
    }
}
