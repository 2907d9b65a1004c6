//! Service-level objectives over the numbers: live only, over operations that were planned within the measure phase. With too
//! few samples an objective is unknown, never met.

use super::latency;
use super::operation::{OperationFold, Sample};
use super::planned_work::PlannedWork;
use crate::event::Name;
use crate::outcome::{Met, ThresholdVerdict};
use rehearsal_scenarios::plan::{Measure, Plan, Threshold, World};
use std::collections::BTreeMap;

/// Judges all objectives of the plan. A rate is one over the time that was really measured.
pub fn judge(
    plan: &Plan,
    operations: &BTreeMap<Name, OperationFold>,
    work: &PlannedWork,
    measured_ns: u64,
) -> Vec<ThresholdVerdict> {
    if plan.world == World::Simulated {
        return Vec::new();
    }
    let measured_s = measured_ns as f64 / 1e9;
    let sample = |threshold: &Threshold| operations.get(threshold.operation.as_str()).map(OperationFold::measured);
    let judge = |threshold: &Threshold| match threshold.measure {
        Measure::Late => judge_work(threshold, work),
        _ => judge_one(threshold, sample(threshold), measured_s),
    };
    plan.thresholds.iter().map(judge).collect()
}

fn judge_work(threshold: &Threshold, work: &PlannedWork) -> ThresholdVerdict {
    let measured = (work.planned > 0).then(|| work.dropped as f64 / work.planned as f64);
    let remark = measured.is_none().then(|| "nothing was planned for the measure phase".to_owned());
    verdict(threshold, measured, work.planned, remark)
}

fn judge_one(threshold: &Threshold, sample: Option<&Sample>, measured_s: f64) -> ThresholdVerdict {
    let samples = sample.map_or(0, |sample| match threshold.measure {
        Measure::Percentile(_) => sample.response.len(),
        Measure::Errors | Measure::Late => sample.count(),
        Measure::Rate => sample.response.len(),
    });
    let (measured, remark) = match sample.filter(|_| samples > 0) {
        Some(sample) => measure(threshold.measure, sample, measured_s),
        None => (None, Some("no such operation ended that was planned in the measure phase".to_owned())),
    };
    verdict(threshold, measured, samples, remark)
}

fn verdict(threshold: &Threshold, measured: Option<f64>, samples: u64, remark: Option<String>) -> ThresholdVerdict {
    let verdict = match (measured, threshold.measure) {
        (None, _) => Met::Unknown,
        (Some(measured), Measure::Rate) if measured > threshold.limit => Met::Met,
        (Some(measured), Measure::Percentile(_) | Measure::Errors | Measure::Late) if measured < threshold.limit => {
            Met::Met
        }
        _ => Met::Missed,
    };
    ThresholdVerdict {
        name: format!("{} {}", threshold.operation, threshold.text),
        limit: threshold.limit,
        measured,
        measure: threshold.measure,
        verdict,
        samples,
        remark,
    }
}

fn measure(measure: Measure, sample: &Sample, measured_s: f64) -> (Option<f64>, Option<String>) {
    match measure {
        Measure::Percentile(quantile) => match latency::quantile(&sample.response, quantile) {
            Some(value) => (Some(value as f64), None),
            None => {
                let (found, needed) = (sample.response.len(), latency::samples_needed(quantile));
                (None, Some(format!("{found} samples, needs {needed}")))
            }
        },
        Measure::Errors | Measure::Late => (Some(sample.errors as f64 / sample.count() as f64), None),
        Measure::Rate if measured_s > 0.0 => (Some(sample.response.len() as f64 / measured_s), None),
        Measure::Rate => (None, Some("the measure phase has no length".to_owned())),
    }
}
