//! Pages of metrics, Prometheus text or JSON, as numbers by name, and their course over a run. Pure. Neighbours:
//! `loadgen::live::probes` fetches the pages, `render` draws them.

use crate::abort::Metrics;
use crate::outcome::ObservedSeries;
use serde_json::Value;
use std::collections::BTreeMap;

/// The numbers of a page, whichever of the two forms it has; none if it has neither.
pub fn of_page(text: &str) -> Option<BTreeMap<String, f64>> {
    let metrics = match serde_json::from_str::<Value>(text) {
        Ok(json) => of_json(&json),
        Err(_) => of_prometheus(text),
    };
    (!metrics.is_empty()).then_some(metrics)
}

/// The numbers of a JSON document, by their path with dots.
pub fn of_json(json: &Value) -> BTreeMap<String, f64> {
    fn collect(json: &Value, path: &str, metrics: &mut BTreeMap<String, f64>) {
        match json {
            Value::Number(number) => drop(number.as_f64().map(|number| metrics.insert(path.to_owned(), number))),
            Value::Object(fields) => {
                for (key, value) in fields {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    collect(value, &path, metrics);
                }
            }
            _ => {}
        }
    }
    let mut metrics = BTreeMap::new();
    collect(json, "", &mut metrics);
    metrics
}

/// The metrics of Prometheus text. Series that differ in their labels are added up; buckets of histograms, which add up to
/// nothing, are left out.
fn of_prometheus(text: &str) -> BTreeMap<String, f64> {
    let mut metrics = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((name, value)) = series(line) else { return BTreeMap::new() };
        if value.is_finite() && !name.ends_with("_bucket") && !line.contains("quantile=") {
            *metrics.entry(name.to_owned()).or_insert(0.0) += value;
        }
    }
    metrics
}

/// Name and value of a line such as `http_requests_total{code="200"} 1027 1395066363000`.
fn series(line: &str) -> Option<(&str, f64)> {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))?;
    let (name, rest) = line.split_at(end);
    let rest = match rest.strip_prefix('{') {
        // A label's value may hold a bracket, but the value of the series never does.
        Some(labels) => &labels[labels.rfind('}')? + 1..],
        None => rest,
    };
    let value = rest.split_whitespace().next()?;
    Some((name, value.parse().ok()?)).filter(|_| !name.is_empty())
}

/// Most series of one name that a report keeps: those that change come first.
const SERIES_MAX: usize = 12;
/// Most points of one series: a long run keeps every second, third, … of them.
const POINTS_MAX: usize = 2_000;

/// The course of metrics over a run.
#[derive(Default)]
pub struct MetricSeries {
    points: BTreeMap<(String, String), Vec<(i64, f64)>>,
}

impl MetricSeries {
    /// Adds what was found at this plan time.
    pub fn add(&mut self, t_ns: i64, metrics: &Metrics) {
        for (of, metrics) in metrics {
            for (name, value) in metrics {
                let points = self.points.entry((of.clone(), name.clone())).or_default();
                points.push((t_ns, *value));
                if points.len() > POINTS_MAX {
                    let mut nth = 0;
                    points.retain(|_| {
                        nth += 1;
                        nth % 2 == 1
                    });
                }
            }
        }
    }

    /// What a report keeps: of each name the series that change, by their names.
    pub fn finish(self) -> Vec<ObservedSeries> {
        let mut kept: Vec<ObservedSeries> = Vec::new();
        let changes = |points: &[(i64, f64)]| points.iter().any(|point| point.1 != points[0].1);
        for ((of, metric), points) in self.points.into_iter().filter(|(_, points)| changes(points)) {
            // A page's own time is none of its metrics.
            if metric != "timestamp" && kept.iter().filter(|series| series.of == of).count() < SERIES_MAX {
                kept.push(ObservedSeries { of, metric, points });
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_text_is_read_with_labels_added_up() {
        let page = "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n\
                    http_requests_total{code=\"200\",path=\"/a}b\"} 1027 1395066363000\nhttp_requests_total{code=\"500\"} 3\n\
                    go_goroutines 7\nnothing NaN\nlatency_bucket{le=\"+Inf\"} 9\nlatency_sum 1.5e1\n";
        let metrics = of_page(page).unwrap();
        let expected = [("go_goroutines", 7.0), ("http_requests_total", 1030.0), ("latency_sum", 15.0)];
        assert_eq!(metrics, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn json_is_read_by_its_paths() {
        let metrics = of_page(r#"{"active_rooms": 2, "peers_by_role": {"worker": 3}, "version": "2.0"}"#).unwrap();
        let expected = [("active_rooms", 2.0), ("peers_by_role.worker", 3.0)];
        assert_eq!(metrics, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn a_page_of_something_else_is_no_page_of_metrics() {
        for page in ["<html><body>502 Bad Gateway</body></html>", "", "healthy", "{}", "{\"status\":\"ok\"}"] {
            assert_eq!(of_page(page), None, "{page}");
        }
    }

    #[test]
    fn a_report_keeps_what_changes() {
        let mut series = MetricSeries::default();
        for second in 0..5_000_i64 {
            let metrics = [("rooms".to_owned(), second as f64), ("limit".to_owned(), 9.0)].into();
            series.add(second, &[("a".to_owned(), metrics)].into());
        }
        let [rooms] = &series.finish()[..] else { panic!("the limit never changes") };
        assert_eq!((rooms.of.as_str(), rooms.metric.as_str()), ("a", "rooms"));
        assert!(rooms.points.len() <= 2_000 && rooms.points[0].0 == 0, "{}", rooms.points.len());
    }
}
