//! Progress on stderr: lines that are drawn again on a terminal, a plain line every few seconds elsewhere. stdout carries results
//! only. Neighbours: `screen` draws, `bar` and `panel` are what is drawn.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "progress belongs to real time")]

use crate::bar::Bar;
use crate::screen::{Lines, Screen};
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often a terminal is drawn at most.
const DRAWN_INTERVAL: Duration = Duration::from_millis(100);
/// How often a plain line is written where there is no terminal.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// Shows how far a long piece of work has come. Cheap to clone; clones show the same.
#[derive(Clone)]
pub struct Progress {
    shown: Arc<Mutex<Shown>>,
    label: String,
    total: u64,
}

struct Shown {
    how: How,
    next: Instant,
}

enum How {
    Quiet,
    Plain,
    Drawn(Screen),
}

impl Progress {
    /// Starts showing `total` steps of work under a label, 0 if nobody knows how many; quiet shows nothing.
    pub fn start(label: &str, total: u64, verbosity: Verbosity) -> Progress {
        let now = Instant::now();
        let (how, next) = match (verbosity, std::io::stderr().is_terminal()) {
            (Verbosity::Quiet, _) => (How::Quiet, now),
            (Verbosity::Normal, true) => (How::Drawn(Screen::default()), now),
            (Verbosity::Normal, false) => (How::Plain, now + PLAIN_INTERVAL),
        };
        Progress { shown: Arc::new(Mutex::new(Shown { how, next })), label: label.to_owned(), total }
    }

    /// The same place, for another piece of work.
    pub fn of(&self, label: &str, total: u64) -> Progress {
        Progress { shown: self.shown.clone(), label: label.to_owned(), total }
    }

    /// Says how much is done, and something about it.
    pub fn at(&self, done: u64, message: &str) {
        self.show(done, message, || Bar { label: &self.label, done, total: self.total, message });
    }

    /// Says how much is done: in a line of its own for elsewhere, with something larger for a terminal.
    pub fn show<T: Lines>(&self, done: u64, line: &str, larger: impl FnOnce() -> T) {
        let Ok(mut shown) = self.shown.lock() else { return };
        let now = Instant::now();
        if now < shown.next {
            return;
        }
        let interval = match &mut shown.how {
            How::Quiet => return,
            How::Plain => {
                self.write(done, line);
                PLAIN_INTERVAL
            }
            How::Drawn(screen) => {
                screen.draw(larger());
                DRAWN_INTERVAL
            }
        };
        shown.next = now + interval;
    }

    /// Says something that stays on the terminal, above what is drawn again.
    pub fn say(&self, line: &str) {
        self.clear();
        say(line);
    }

    /// Takes away what is drawn, until there is more to show.
    pub fn clear(&self) {
        if let Ok(mut shown) = self.shown.lock()
            && let How::Drawn(screen) = &mut shown.how
        {
            screen.clear();
        }
    }

    /// Shows nothing any more; what matters stays in the results.
    pub fn finish(self) {
        if let Ok(mut shown) = self.shown.lock() {
            shown.how = How::Quiet;
        }
    }

    fn write(&self, done: u64, line: &str) {
        match self.total {
            0 => say(&format!("{:12} {done}  {line}", self.label)),
            total => say(&format!("{:12} {done}/{total}  {line}", self.label)),
        }
    }
}

/// A line on stderr.
fn say(line: &str) {
    // Work goes on when nobody reads of it any more.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Results only.
    Quiet,
    /// Progress too.
    Normal,
}

impl Verbosity {
    /// What `--quiet` says.
    pub fn of(quiet: bool) -> Verbosity {
        if quiet { Verbosity::Quiet } else { Verbosity::Normal }
    }
}
