//! Rendering, format by format, from one realistic report. Snapshots are what a reader sees.

mod fixture;
mod formats;
mod race;
mod stories;
