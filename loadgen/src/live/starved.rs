//! What this machine refused to the generator: connections that could not be opened for want of files, ports or memory. They
//! say nothing about the target. Neighbours: `network` counts, `driver` makes the run invalid.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often something was missing.
#[derive(Debug, Default)]
pub struct Starved {
    files: AtomicU64,
    ports: AtomicU64,
    memory: AtomicU64,
}

impl Starved {
    /// Takes a failed connection into account, if it is the machine's fault.
    pub fn count(&self, error: &io::Error) {
        let missing = match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => &self.files,
            Some(libc::EADDRNOTAVAIL) => &self.ports,
            Some(libc::ENOBUFS | libc::ENOMEM) => &self.memory,
            _ => return,
        };
        missing.fetch_add(1, Ordering::Relaxed);
    }

    /// Why the numbers cannot be trusted, as sentences with the cure; none if nothing was missing.
    pub fn reasons(&self) -> Vec<String> {
        let all = [
            (&self.files, "files", "`ulimit -n` says how many this process may have open"),
            (&self.ports, "local ports", "net.ipv4.ip_local_port_range says how many a source address has"),
            (&self.memory, "memory for sockets", "fewer users, or a larger machine"),
        ];
        let reason = |(count, what, cure): (&AtomicU64, &str, &str)| {
            let count = count.load(Ordering::Relaxed);
            (count > 0).then(|| format!("{count} connections could not be opened for want of {what}: {cure}"))
        };
        all.into_iter().filter_map(reason).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_lacks_is_told_and_what_the_target_does_is_not() {
        let starved = Starved::default();
        [libc::ECONNREFUSED, libc::ETIMEDOUT, libc::ECONNRESET]
            .into_iter()
            .for_each(|errno| starved.count(&io::Error::from_raw_os_error(errno)));
        assert_eq!(starved.reasons(), Vec::<String>::new());
        [libc::EMFILE, libc::EADDRNOTAVAIL, libc::EMFILE]
            .into_iter()
            .for_each(|errno| starved.count(&io::Error::from_raw_os_error(errno)));
        let reasons = starved.reasons();
        assert!(reasons[0].starts_with("2 connections") && reasons[0].contains("files"), "{reasons:?}");
        assert!(reasons[1].starts_with("1 connections") && reasons[1].contains("ports"), "{reasons:?}");
    }
}
