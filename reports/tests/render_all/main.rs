//! Rendering, format by format, from one realistic report. Snapshots are what a reader sees.

mod browser;
mod chromium;
mod fixture;
mod formats;
mod page;
mod playback;
mod race;
mod stories;
