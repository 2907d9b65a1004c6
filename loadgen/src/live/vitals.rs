//! What the kernel says about this process and its machine: waiting for a processor, open files, TCP retransmissions. Read
//! from `/proc`; where there is none (not Linux), nothing is known. Neighbours: `generator` judges by it, `needs` plans with
//! it.

use std::fs;
use std::path::Path;

/// One look. Counters count since the process or the machine started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Time that the process's threads ran on a processor, in nanoseconds.
    pub ran_ns: u64,
    /// Time that they waited for one, ready to run, in nanoseconds.
    pub waited_ns: u64,
    /// Files and sockets that the process has open.
    pub open_files: u64,
    /// TCP segments that the machine sent, and those of them that it had to send again.
    pub tcp: TcpSegments,
}

/// TCP segments of the whole machine (of its network namespace).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpSegments {
    /// Sent.
    pub sent: u64,
    /// Sent again.
    pub again: u64,
}

/// Looks now.
pub fn look() -> Vitals {
    let (ran_ns, waited_ns) = scheduled(Path::new("/proc/self/task"));
    let open_files = fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64);
    let tcp = fs::read_to_string("/proc/self/net/snmp").ok().and_then(|text| tcp(&text)).unwrap_or_default();
    Vitals { ran_ns, waited_ns, open_files, tcp }
}

/// How many files this process may have open: the soft limit, which `ulimit -n` shows.
pub fn open_files_limit() -> Option<u64> {
    limit(&fs::read_to_string("/proc/self/limits").ok()?)
}

/// Running and waiting of all threads that there are.
fn scheduled(threads: &Path) -> (u64, u64) {
    let Ok(threads) = fs::read_dir(threads) else { return (0, 0) };
    let of_thread = |thread: fs::DirEntry| schedstat(&fs::read_to_string(thread.path().join("schedstat")).ok()?);
    threads.flatten().filter_map(of_thread).fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1))
}

fn schedstat(text: &str) -> Option<(u64, u64)> {
    let mut numbers = text.split_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// `/proc/net/snmp` has a line of names and a line of numbers for each protocol.
fn tcp(text: &str) -> Option<TcpSegments> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, numbers) = (lines.next()?, lines.next()?);
    let number = |wanted| {
        let mut both = names.split_whitespace().zip(numbers.split_whitespace());
        both.find(|(name, _)| *name == wanted)?.1.parse().ok()
    };
    Some(TcpSegments { sent: number("OutSegs")?, again: number("RetransSegs")? })
}

fn limit(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    // Absent for `unlimited`, which the kernel does not let be.
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_tables_are_read_by_name() {
        let snmp =
            "Ip: Forwarding\nIp: 2\nTcp: RtoAlgorithm InSegs OutSegs RetransSegs\nTcp: 1 70 80 9\nUdp: InDatagrams\n";
        assert_eq!(tcp(snmp), Some(TcpSegments { sent: 80, again: 9 }));
        assert_eq!(tcp("Udp: InDatagrams\n"), None);
        let limits =
            "Limit Soft Hard Units\nMax processes 10 20 processes\nMax open files            20000   40000   files\n";
        assert_eq!(limit(limits), Some(20_000));
        assert_eq!(schedstat("12 34 5\n"), Some((12, 34)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_on_linux_knows_itself() {
        let vitals = look();
        assert!(vitals.ran_ns > 0 && vitals.open_files >= 3, "{vitals:?}");
        assert!(open_files_limit().is_some());
    }
}
