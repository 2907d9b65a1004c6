//! The generator watches itself: processor, memory, and how late it is. Numbers that were taken while it was the bottleneck
//! are marked. Neighbours: `recorder` samples once a second, `lag` measures lateness.
#![allow(clippy::disallowed_methods, reason = "live runs read the machine's clock")]

use super::lag::{LagMeter, LagTotals};
use rehearsal_reports::outcome::{Generator, Validity};
use std::time::Duration;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Numbers with more lag than this at their 99th percentile say more about the generator than about the target.
const LAG_P99_INVALID: Duration = Duration::from_millis(100);
const LAG_P99_SUSPECT: Duration = Duration::from_millis(10);
const LAG_MAX_SUSPECT: Duration = Duration::from_millis(500);
/// Share of all cores above which the generator may have been the bottleneck.
const CPU_SUSPECT: f64 = 0.9;

/// One second of the generator.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct GeneratorSample {
    /// Cores in use: 1.0 is one.
    pub cpu_cores: f64,
    /// Memory, in bytes.
    pub rss_bytes: u64,
    /// Largest lag of a timer, in nanoseconds.
    pub lag_max_ns: u64,
}

/// Samples this process once a second, and judges it at the end.
pub struct GeneratorWatch {
    system: System,
    pid: Pid,
    cpu_cores_max: f64,
    rss_bytes_max: u64,
    load_at_start: f64,
    cores: f64,
}

impl Default for GeneratorWatch {
    /// Starts watching.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let mut watch = GeneratorWatch {
            system: System::new(),
            pid: Pid::from_u32(std::process::id()),
            cpu_cores_max: 0.0,
            rss_bytes_max: 0,
            load_at_start: System::load_average().one,
            cores,
        };
        // The first reading of the processor is a difference to nothing.
        watch.refresh();
        watch
    }
}

impl GeneratorWatch {
    /// One sample.
    pub fn sample(&mut self, lag: &LagMeter) -> GeneratorSample {
        let (cpu_cores, rss_bytes) = self.refresh();
        self.cpu_cores_max = self.cpu_cores_max.max(cpu_cores);
        self.rss_bytes_max = self.rss_bytes_max.max(rss_bytes);
        GeneratorSample { cpu_cores, rss_bytes, lag_max_ns: lag.take_max_ns() }
    }

    fn refresh(&mut self) -> (f64, u64) {
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), false, what);
        let process = self.system.process(self.pid);
        process.map_or((0.0, 0), |process| (f64::from(process.cpu_usage()) / 100.0, process.memory()))
    }

    /// How the generator did over the whole run. `faults` are further reasons why its numbers cannot be trusted.
    pub fn judge(&self, lag: LagTotals, faults: Vec<String>) -> Generator {
        let (p99_ns, max_ns) = (lag.send_p99_ns.max(lag.hiccup_p99_ns), lag.send_max_ns.max(lag.hiccup_max_ns));
        let (p99, max) = (Duration::from_nanos(p99_ns), Duration::from_nanos(max_ns));
        let mut validity = if faults.is_empty() { Validity::Valid } else { Validity::Invalid };
        let mut reasons = faults;
        if p99 > LAG_P99_INVALID {
            validity = Validity::Invalid;
            reasons.push(format!("1 in 100 of the generator's planned sends left more than {p99:.0?} late"));
        } else {
            let suspicions = [
                (
                    p99 > LAG_P99_SUSPECT,
                    format!("1 in 100 of the generator's planned sends left more than {p99:.0?} late"),
                ),
                (max > LAG_MAX_SUSPECT, format!("the generator once stood still for {max:.0?}")),
                (
                    self.cpu_cores_max > CPU_SUSPECT * self.cores,
                    format!("the generator used {:.1} of {} cores in one second", self.cpu_cores_max, self.cores),
                ),
            ];
            for (_, reason) in suspicions.into_iter().filter(|(applies, _)| *applies) {
                validity = if validity == Validity::Valid { Validity::Suspect } else { validity };
                reasons.push(reason);
            }
        }
        Generator {
            validity,
            reasons,
            cpu_cores_max: self.cpu_cores_max,
            rss_bytes_max: self.rss_bytes_max,
            lag_p99_ns: p99_ns,
            lag_max_ns: max_ns,
            machine_load: self.load_at_start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(lags_ms: &[u64]) -> Generator {
        let meter = LagMeter::default();
        lags_ms.iter().for_each(|lag_ms| meter.sent(Duration::from_millis(*lag_ms)));
        GeneratorWatch::default().judge(meter.totals(), Vec::new())
    }

    #[test]
    fn a_generator_whose_timers_fire_late_has_no_valid_numbers() {
        assert_eq!(judged(&[150; 100]).validity, Validity::Invalid);
        let suspect = judged(&[20; 100]);
        assert_eq!((suspect.validity, suspect.reasons.len()), (Validity::Suspect, 1));
        let valid = judged(&[1; 100]);
        assert_eq!((valid.validity, valid.lag_max_ns / 1_000_000), (Validity::Valid, 1));
    }

    #[test]
    fn a_bug_of_the_generator_makes_its_numbers_invalid() {
        let generator = GeneratorWatch::default().judge(LagTotals::default(), vec!["a user panicked".into()]);
        assert_eq!((generator.validity, generator.reasons), (Validity::Invalid, vec!["a user panicked".into()]));
    }
}
