//! The generator certifies itself: how late it was, and what it and its machine had to spare. Numbers that were taken while it
//! was the bottleneck are suspect or invalid, with the reason. Neighbours: `recorder` samples once a second, `lag` measures
//! lateness, `vitals` asks the kernel.

use super::lag::{LagMeter, LagTotals};
use super::vitals::{self, Vitals};
use rehearsal_reports::outcome::{Generator, Validity};
use std::time::Duration;
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Numbers with more lag than this at their 99th percentile say more about the generator than about the target.
const LAG_P99_INVALID: Duration = Duration::from_millis(100);
const LAG_P99_SUSPECT: Duration = Duration::from_millis(10);
/// One standstill of this length is in no percentile of a long run, but in its longest times.
const LAG_MAX_SUSPECT: Duration = Duration::from_millis(250);
/// Share of all cores above which the generator may have been the bottleneck.
const CPU_SUSPECT: f64 = 0.9;
/// Share of the time in which its threads had work that they waited for a processor.
const WAITING_SUSPECT: f64 = 0.5;
/// Less running and waiting than this says nothing.
const WAITING_NS_MIN: u64 = 200_000_000;
/// Share of the machine's memory, and of the files that may be open.
const MEMORY_SUSPECT: f64 = 0.8;
const FILES_SUSPECT: f64 = 0.9;
/// Share of TCP segments that had to be sent again, and how many make it worth a word.
const AGAIN_SUSPECT: f64 = 0.01;
const AGAIN_MIN: u64 = 100;

/// One second of the generator.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct GeneratorSample {
    /// Cores in use: 1.0 is one.
    pub cpu_cores: f64,
    /// Threads that were ready to run and waited for a core, on average.
    pub waiting_threads: f64,
    /// Memory, in bytes.
    pub rss_bytes: u64,
    /// Files and sockets that are open.
    pub open_files: u64,
    /// TCP segments that the machine sent again.
    pub tcp_retransmits: u64,
    /// The latest planned send or tick of the event loop, in nanoseconds.
    pub lag_max_ns: u64,
}

/// Samples this process once a second, and judges it at the end.
pub struct GeneratorWatch {
    system: System,
    pid: Pid,
    at_start: Vitals,
    latest: Vitals,
    worst: Worst,
    machine: Machine,
}

/// The worst second of each kind.
#[derive(Clone, Copy, Debug, Default)]
struct Worst {
    cpu_cores: f64,
    rss_bytes: u64,
    open_files: u64,
}

/// What there is.
#[derive(Clone, Copy, Debug)]
struct Machine {
    cores: f64,
    memory_bytes: u64,
    open_files: Option<u64>,
    load_at_start: f64,
}

impl Default for GeneratorWatch {
    /// Starts watching.
    fn default() -> Self {
        let mut system = System::new();
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let machine = Machine {
            cores: std::thread::available_parallelism().map_or(1, usize::from) as f64,
            memory_bytes: system.total_memory(),
            open_files: vitals::open_files_limit(),
            load_at_start: System::load_average().one,
        };
        let (pid, now) = (Pid::from_u32(std::process::id()), vitals::look());
        let mut watch = GeneratorWatch { system, pid, at_start: now, latest: now, worst: Worst::default(), machine };
        // The first reading of the processor is a difference to nothing.
        watch.refresh();
        watch
    }
}

impl GeneratorWatch {
    /// One sample, a second after the one before.
    pub fn sample(&mut self, lag: &LagMeter) -> GeneratorSample {
        let (cpu_cores, rss_bytes) = self.refresh();
        let before = std::mem::replace(&mut self.latest, vitals::look());
        let now = self.latest;
        self.worst.cpu_cores = self.worst.cpu_cores.max(cpu_cores);
        self.worst.rss_bytes = self.worst.rss_bytes.max(rss_bytes);
        self.worst.open_files = self.worst.open_files.max(now.open_files);
        GeneratorSample {
            cpu_cores,
            waiting_threads: now.waited_ns.saturating_sub(before.waited_ns) as f64 / 1e9,
            rss_bytes,
            open_files: now.open_files,
            tcp_retransmits: now.tcp.again.saturating_sub(before.tcp.again),
            lag_max_ns: lag.take_max_ns(),
        }
    }

    fn refresh(&mut self) -> (f64, u64) {
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), false, what);
        let process = self.system.process(self.pid);
        process.map_or((0.0, 0), |process| (f64::from(process.cpu_usage()) / 100.0, process.memory()))
    }

    /// How the generator did over the whole run. `faults` are further reasons why its numbers cannot be trusted.
    pub fn judge(&self, lag: LagTotals, faults: Vec<String>) -> Generator {
        let mut invalid = faults;
        invalid.extend(invalid_by_lag(lag));
        let mut suspect = suspect_by_lag(lag);
        suspect.extend(self.worst.suspicions(self.machine));
        suspect.extend(waiting(self.at_start, self.latest));
        suspect.extend(lost_segments(self.at_start, self.latest));
        let validity = match (invalid.is_empty(), suspect.is_empty()) {
            (false, _) => Validity::Invalid,
            (true, false) => Validity::Suspect,
            (true, true) => Validity::Valid,
        };
        invalid.append(&mut suspect);
        Generator {
            validity,
            reasons: invalid,
            cpu_cores_max: self.worst.cpu_cores,
            rss_bytes_max: self.worst.rss_bytes,
            lag_p99_ns: lag.p99_ns(),
            lag_max_ns: lag.send_max_ns.max(lag.hiccup_max_ns),
            machine_load: self.machine.load_at_start,
        }
    }
}

fn invalid_by_lag(lag: LagTotals) -> Option<String> {
    let p99 = Duration::from_nanos(lag.p99_ns());
    (p99 > LAG_P99_INVALID).then(|| late(p99))
}

fn suspect_by_lag(lag: LagTotals) -> Vec<String> {
    let p99 = Duration::from_nanos(lag.p99_ns());
    let max = Duration::from_nanos(lag.send_max_ns.max(lag.hiccup_max_ns));
    let mut reasons = Vec::new();
    if p99 > LAG_P99_SUSPECT && p99 <= LAG_P99_INVALID {
        reasons.push(late(p99));
    }
    if max > LAG_MAX_SUSPECT {
        reasons.push(format!("the generator once stood still for {max:.0?}"));
    }
    reasons
}

fn late(p99: Duration) -> String {
    format!("1 in 100 of what the generator planned left more than {p99:.0?} late")
}

impl Worst {
    fn suspicions(self, machine: Machine) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.cpu_cores > CPU_SUSPECT * machine.cores {
            reasons.push(format!("the generator used {:.1} of {} cores in one second", self.cpu_cores, machine.cores));
        }
        if machine.memory_bytes > 0 && self.rss_bytes as f64 > MEMORY_SUSPECT * machine.memory_bytes as f64 {
            let share = self.rss_bytes as f64 / machine.memory_bytes as f64 * 100.0;
            reasons.push(format!("the generator took {share:.0} % of the machine's memory"));
        }
        if let Some(limit) = machine.open_files
            && self.open_files as f64 > FILES_SUSPECT * limit as f64
        {
            reasons.push(format!("the generator had {} of {limit} files open that it may have", self.open_files));
        }
        reasons
    }
}

/// Whether others took the processor away.
fn waiting(from: Vitals, until: Vitals) -> Option<String> {
    let ran_ns = until.ran_ns.saturating_sub(from.ran_ns);
    let waited_ns = until.waited_ns.saturating_sub(from.waited_ns);
    let share = waited_ns as f64 / (ran_ns + waited_ns).max(1) as f64;
    (share > WAITING_SUSPECT && ran_ns + waited_ns > WAITING_NS_MIN).then(|| {
        format!("the generator waited for a processor in {:.0} % of the time in which it had work", share * 100.0)
    })
}

fn lost_segments(from: Vitals, until: Vitals) -> Option<String> {
    let again = until.tcp.again.saturating_sub(from.tcp.again);
    let share = again as f64 / until.tcp.sent.saturating_sub(from.tcp.sent).max(1) as f64;
    (again >= AGAIN_MIN && share > AGAIN_SUSPECT).then(|| {
        format!("this machine sent {again} TCP segments again ({:.1} %): the network loses some", share * 100.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::vitals::TcpSegments;

    fn judged(lags_ms: &[u64]) -> Generator {
        let meter = LagMeter::default();
        lags_ms.iter().for_each(|lag_ms| meter.sent(Duration::from_millis(*lag_ms)));
        GeneratorWatch::default().judge(meter.totals(), Vec::new())
    }

    #[test]
    fn a_generator_whose_planned_sends_leave_late_has_no_valid_numbers() {
        assert_eq!(judged(&[150; 100]).validity, Validity::Invalid);
        let suspect = judged(&[20; 100]);
        assert_eq!((suspect.validity, suspect.reasons.len()), (Validity::Suspect, 1));
        let valid = judged(&[1; 100]);
        assert_eq!((valid.validity, valid.lag_max_ns / 1_000_000), (Validity::Valid, 1));
    }

    #[test]
    fn one_standstill_in_a_long_run_is_suspect() {
        let mut lags = vec![0; 10_000];
        lags.extend((0..49).map(|tick| 490 - 10 * tick));
        let generator = judged(&lags);
        assert_eq!(generator.validity, Validity::Suspect);
        assert!(generator.reasons[0].contains("stood still"), "{:?}", generator.reasons);
    }

    #[test]
    fn a_bug_of_the_generator_makes_its_numbers_invalid() {
        let generator = GeneratorWatch::default().judge(LagTotals::default(), vec!["a user panicked".into()]);
        assert_eq!((generator.validity, generator.reasons), (Validity::Invalid, vec!["a user panicked".into()]));
    }

    #[test]
    fn what_is_nearly_used_up_is_told() {
        let machine = Machine { cores: 2.0, memory_bytes: 1_000, open_files: Some(100), load_at_start: 0.0 };
        let enough = Worst { cpu_cores: 1.8, rss_bytes: 800, open_files: 90 };
        assert_eq!(enough.suspicions(machine), Vec::<String>::new());
        let short = Worst { cpu_cores: 1.9, rss_bytes: 900, open_files: 95 };
        assert_eq!(short.suspicions(machine).len(), 3);
    }

    #[test]
    fn a_processor_that_others_take_and_a_network_that_loses_are_told() {
        let none = Vitals::default();
        let tcp = |sent, again| TcpSegments { sent, again };
        let quiet = Vitals { ran_ns: 900_000_000, waited_ns: 300_000_000, tcp: tcp(100_000, 900), ..none };
        assert_eq!((waiting(none, quiet), lost_segments(none, quiet)), (None, None));
        let busy = Vitals { ran_ns: 300_000_000, waited_ns: 900_000_000, tcp: tcp(10_000, 200), ..none };
        assert!(waiting(none, busy).unwrap().contains("75 %"));
        assert!(lost_segments(none, busy).unwrap().contains("2.0 %"));
        let idle = Vitals { ran_ns: 10_000_000, waited_ns: 90_000_000, ..none };
        assert_eq!(waiting(none, idle), None, "too little to say");
    }
}
