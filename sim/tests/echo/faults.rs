//! Faults on links.
