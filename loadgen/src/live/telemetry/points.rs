//! Which numbers of a run go out, under which names: the same for every outlet. Units are seconds, bytes and shares, as both
//! Prometheus and OTLP want them. Neighbours: `prometheus`, `otlp`.

use crate::live::progress::Progress;
use rehearsal_reports::outcome::Validity;

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its name, in Prometheus's spelling.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Whether it only ever grows.
    pub kind: PointKind,
    /// What it is about: name and value.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: f64,
}

/// How a number goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointKind {
    /// Up and down.
    Gauge,
    /// Only up, since the run began.
    Counter,
}

/// All numbers of this moment; those of one name stand together.
pub fn points(now: &Progress) -> Vec<Point> {
    let mut points = Points(Vec::new());
    points.gauge(
        "rehearsal_stage",
        "Where the run stands: 1 for the stage of the moment.",
        &[("stage", now.stage.word())],
        1.0,
    );
    points.gauge("rehearsal_time_seconds", "Plan time; negative before time 0.", &[], now.t_ns as f64 / 1e9);
    points.gauge("rehearsal_users", "Users that are connected.", &[], now.users as f64);
    points.gauge("rehearsal_users_planned", "Users of the plan.", &[], now.users_planned as f64);
    if let Some(rate) = now.rate_planned {
        points.gauge("rehearsal_rate_planned", "Planned beginnings a second, as the plan means them.", &[], rate);
    }
    points.counter("rehearsal_operations_total", "Operations that ended since time 0.", &[], now.operations as f64);
    points.counter("rehearsal_failed_operations_total", "Those that failed or stayed unknown.", &[], now.errors as f64);
    for (class, count) in &now.error_classes {
        let labels = [("class", class.as_str())];
        points.counter("rehearsal_errors_total", "Errors by class, preparation included.", &labels, *count as f64);
    }
    for (name, operation) in &now.operations_now {
        let labels = [("operation", name.as_str())];
        points.gauge(
            "rehearsal_operation_rate",
            "Operations that ended in the last second.",
            &labels,
            operation.count as f64,
        );
    }
    for (quantile, of) in [("0.5", 0), ("0.99", 1)] {
        for (name, operation) in &now.operations_now {
            let labels = [("operation", name.as_str()), ("quantile", quantile)];
            if let Some(ns) = [operation.p50_ns, operation.p99_ns][of] {
                let help = "Response time of the last second, from the planned time.";
                points.gauge("rehearsal_response_seconds", help, &labels, ns as f64 / 1e9);
            }
        }
    }
    let validity = match now.generator {
        Validity::Valid => 0.0,
        Validity::Suspect => 1.0,
        Validity::Invalid => 2.0,
    };
    points.gauge("rehearsal_generator_doubt", "0: its numbers are valid, 1: suspect, 2: invalid.", &[], validity);
    points.gauge(
        "rehearsal_generator_lag_seconds",
        "The latest planned send of the last second.",
        &[],
        now.lag_max_ns as f64 / 1e9,
    );
    points.gauge("rehearsal_generator_cpu_cores", "Cores that the generator uses.", &[], now.cpu_cores);
    points.gauge("rehearsal_generator_memory_bytes", "Its memory.", &[], now.rss_bytes as f64);
    points.0
}

struct Points(Vec<Point>);

impl Points {
    fn gauge(&mut self, name: &'static str, help: &'static str, labels: &[(&'static str, &str)], value: f64) {
        self.add(name, help, PointKind::Gauge, labels, value);
    }

    fn counter(&mut self, name: &'static str, help: &'static str, labels: &[(&'static str, &str)], value: f64) {
        self.add(name, help, PointKind::Counter, labels, value);
    }

    fn add(
        &mut self,
        name: &'static str,
        help: &'static str,
        kind: PointKind,
        labels: &[(&'static str, &str)],
        value: f64,
    ) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.0.push(Point { name, help, kind, labels, value });
    }
}
