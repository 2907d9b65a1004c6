//! Rendering, format by format, from one realistic report. Snapshots are what a reader sees.

mod browser;
mod fixture;
mod formats;
mod page;
mod race;
mod stories;
