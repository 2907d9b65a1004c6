//! A program on a link: what the cores of worker and client have in common, and the loop that drives either.
//!
//! A core does no IO: it takes inputs and the time, and is asked for outputs and its next deadline. Time is counted from
//! the start of the program. Neighbours: `worker::core`, `client::core`, `peer::Link`. Left out: what a program does.

use crate::network::Network;
use crate::observer::{Observed, Observer};
use crate::peer::{Link, LinkError, LinkEvent};
use crate::protocol::Metadata;
use crate::shutdown::{Shutdown, stricter};
use crate::surroundings::Timers;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What a core is told.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Registered with the metadata that it was last asked for.
    Joined,
    /// A message came.
    Message(&'a Value),
    /// The connection is lost, until `Joined` comes again.
    Lost,
    /// It is to leave.
    Shutdown(Shutdown),
}

/// What a core wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this to the server.
    Send(Value),
    /// Tell the observer: a job began.
    JobBegan {
        /// The job.
        job: String,
        /// Who asked for it.
        client: String,
    },
    /// Tell the observer: a job ended.
    JobEnded {
        /// The job.
        job: String,
        /// Who asked for it.
        client: String,
        /// `completed`, `failed` or `cancelled`.
        outcome: &'static str,
    },
    /// Tell the observer: an attempt to get a job done begins.
    AttemptBegan {
        /// The job id of this attempt.
        job: String,
        /// The first attempt's, if this is another.
        attempt_of: Option<String>,
    },
    /// Tell the observer: an attempt ended.
    AttemptEnded {
        /// The job id of this attempt.
        job: String,
        /// The worker that it was assigned to.
        worker: Option<String>,
        /// `completed`, `failed`, `cancelled`, `nobody_free` or `lost`.
        outcome: &'static str,
    },
}

/// A core: state without IO.
pub trait Program {
    /// Takes an input.
    fn handle(&mut self, input: Input<'_>, now: Duration);
    /// When [`Program::handle_deadline`] is next due, if ever.
    fn deadline(&self) -> Option<Duration>;
    /// Does what is due.
    fn handle_deadline(&mut self, now: Duration);
    /// The next thing to do, if any.
    fn poll_output(&mut self) -> Option<Output>;
    /// What it says about itself when it registers now.
    fn metadata(&mut self) -> Metadata;
    /// Whether it has nothing left to do.
    fn is_done(&self) -> bool;
}

/// How long a program that is told to leave now may still send to a server that does not read.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(2);

/// Drives a core on a link until it is done, then leaves cleanly; a server that does not read is left without a word.
pub(crate) async fn run<N: Network>(
    program: &mut impl Program,
    mut link: Link<N>,
    observer: &dyn Observer,
    shutdown: watch::Receiver<Shutdown>,
) -> Result<(), LinkError> {
    let clock = ProgramClock::start(link.surroundings().timers.clone());
    let mut orders = Orders { shutdown, asked: Shutdown::Run, clock: clock.clone(), leave_by: None };
    loop {
        while let Some(output) = program.poll_output() {
            let sent = tokio::select! {
                biased;
                () = perform(&output, &mut link, observer) => Sent::InTime,
                () = orders.no_more_time(|asked| program.handle(Input::Shutdown(asked), clock.now())) => Sent::TooLate,
            };
            if let Sent::TooLate = sent {
                link.abort();
                return Ok(());
            }
        }
        if program.is_done() {
            link.close().await;
            return Ok(());
        }
        let deadline = program.deadline();
        tokio::select! {
            biased;
            asked = orders.next() => program.handle(Input::Shutdown(asked), clock.now()),
            () = clock.until(deadline) => program.handle_deadline(clock.now()),
            event = link.next(|| program.metadata()) => match event? {
                LinkEvent::Joined => program.handle(Input::Joined, clock.now()),
                LinkEvent::Message(message) => program.handle(Input::Message(&message), clock.now()),
                LinkEvent::Lost(_) => program.handle(Input::Lost, clock.now()),
            },
        }
    }
}

/// Whether an output was done before the time to leave was over.
enum Sent {
    InTime,
    TooLate,
}

/// What a program was told so far.
struct Orders {
    shutdown: watch::Receiver<Shutdown>,
    asked: Shutdown,
    clock: ProgramClock,
    /// When it stops waiting for sends, once it is told to leave now.
    leave_by: Option<Duration>,
}

impl Orders {
    /// Waits until more is asked. Safe to cancel.
    async fn next(&mut self) -> Shutdown {
        self.asked = stricter(&mut self.shutdown, self.asked).await;
        if self.asked == Shutdown::Now {
            self.leave_by = Some(self.clock.now() + LAST_WORDS_WITHIN);
        }
        self.asked
    }

    /// Ends when it is too late for sending anything more. Meanwhile `tell` hears what is asked. Safe to cancel.
    async fn no_more_time(&mut self, mut tell: impl FnMut(Shutdown)) {
        while self.leave_by.is_none() {
            tell(self.next().await);
        }
        self.clock.until(self.leave_by).await;
    }
}

/// Time since the start of the program, as its host counts it.
#[derive(Clone)]
struct ProgramClock {
    timers: Arc<dyn Timers>,
    start: Duration,
}

impl ProgramClock {
    fn start(timers: Arc<dyn Timers>) -> ProgramClock {
        ProgramClock { start: timers.now(), timers }
    }

    fn now(&self) -> Duration {
        self.timers.now().saturating_sub(self.start)
    }

    /// Waits until then; for ever if there is no time.
    async fn until(&self, at: Option<Duration>) {
        match at {
            Some(at) => self.timers.sleep_until(self.start.saturating_add(at)).await,
            None => std::future::pending().await,
        }
    }
}

async fn perform<N: Network>(output: &Output, link: &mut Link<N>, observer: &dyn Observer) {
    match output {
        Output::Send(message) => link.send(message).await,
        Output::JobBegan { job, client } => observer.observe(Observed::JobBegan { job, client }),
        Output::JobEnded { job, client, outcome } => observer.observe(Observed::JobEnded { job, client, outcome }),
        Output::AttemptBegan { job, attempt_of } => {
            observer.observe(Observed::AttemptBegan { job, attempt_of: attempt_of.as_deref() });
        }
        Output::AttemptEnded { job, worker, outcome } => {
            observer.observe(Observed::AttemptEnded { job, worker: worker.as_deref(), outcome });
        }
    }
}
