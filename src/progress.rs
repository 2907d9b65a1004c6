//! Progress on stderr: a bar on a terminal, a plain line every few seconds elsewhere. stdout carries results only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often a plain line is written where there is no terminal.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// Shows how far a long piece of work has come. Cheap to clone; clones show the same.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
    plain: Option<Arc<Mutex<Plain>>>,
    label: String,
    total: u64,
}

/// When the last plain line was written.
struct Plain {
    #[allow(clippy::disallowed_types, reason = "progress belongs to the command line and to real time")]
    last: std::time::Instant,
}

#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "progress belongs to real time")]
impl Progress {
    /// Starts showing `total` steps of work under a label, 0 if nobody knows how many; quiet shows nothing.
    pub fn start(label: &str, total: u64, verbosity: Verbosity) -> Progress {
        let terminal = std::io::stderr().is_terminal();
        let target = match (verbosity, terminal) {
            (Verbosity::Normal, true) => ProgressDrawTarget::stderr(),
            _ => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        // A total that nobody knows has no bar; messages are cut at the terminal's edge.
        let template = match total {
            0 => "{prefix:12} {pos}  {wide_msg}",
            _ => "{prefix:12} [{bar:30}] {pos}/{len}  {wide_msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(label.to_owned());
        let plain = (verbosity == Verbosity::Normal && !terminal)
            .then(|| Arc::new(Mutex::new(Plain { last: std::time::Instant::now() })));
        Progress { bar, plain, label: label.to_owned(), total }
    }

    /// The same with room for several lines below the bar, where there is a terminal.
    pub fn with_panel(self) -> Progress {
        if let Ok(style) = ProgressStyle::with_template("{prefix:12} [{bar:30}] {pos}/{len}\n{msg}") {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self
    }

    /// Says how much is done, and something about it.
    pub fn at(&self, done: u64, message: &str) {
        self.show(done, message, message);
    }

    /// Says how much is done: a panel for a terminal, a line for elsewhere.
    pub fn show(&self, done: u64, panel: &str, message: &str) {
        self.bar.set_position(if self.total == 0 { done } else { done.min(self.total) });
        self.bar.set_message(panel.to_owned());
        if let Some(plain) = &self.plain
            && let Ok(mut plain) = plain.lock()
            && plain.last.elapsed() >= PLAIN_INTERVAL
        {
            plain.last = std::time::Instant::now();
            // Work goes on when nobody reads of it any more.
            let _ = match self.total {
                0 => writeln!(std::io::stderr(), "{:12} {done}  {message}", self.label),
                total => writeln!(std::io::stderr(), "{:12} {done}/{total}  {message}", self.label),
            };
        }
    }

    /// Removes the bar; what matters stays in the results.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
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
