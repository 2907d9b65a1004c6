//! Faults on hosts.
