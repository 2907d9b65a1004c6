//! Leads a crew: waits until all are ready, starts them at one moment, passes interrupts on, adds their progress up, and
//! notices who is gone. Then the others end politely. Neighbours: `children` and `store` make a [`Crew`], `words`.

use super::words::{Ended, Failed, FromMember, ToMember};
use crate::live::options::Interrupt;
use crate::live::progress::{OnProgress, Progress};
use rehearsal_reports::outcome::{SecondOfOperation, Validity};
use rehearsal_scenarios::plan::Segment;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// A member that says nothing for so long is gone: it says something once a second.
const SILENT_MAX: Duration = Duration::from_secs(15);
/// How long members that were told to end politely may take: the leader's patience with the slowest target.
const LEAVE_WITHIN: Duration = Duration::from_secs(120);

/// The members, however they are spoken with.
pub struct Crew {
    /// What they say, and which of them.
    pub inbox: mpsc::UnboundedReceiver<(Segment, Said)>,
    /// The way to each.
    pub members: Vec<(Segment, Box<dyn Line>)>,
    /// The shared clock's time, and how long a start must lie ahead so that all hear of it in time.
    pub clock: Box<dyn StartClock>,
}

/// The way to one member.
pub trait Line: Send {
    /// Says something; one that is gone does not hear it.
    fn say(&mut self, word: &ToMember);
    /// Gives it up: whatever it still does is of no interest.
    fn give_up(&mut self);
}

/// The clock by which all start.
pub trait StartClock: Send {
    /// The moment of a start that all hear of in time, in nanoseconds since 1970; the error says why it is not known.
    fn soon(&mut self) -> std::pin::Pin<Box<dyn Future<Output = Result<u64, String>> + Send + '_>>;
}

/// Something about a member.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// It says this.
    Word(FromMember),
    /// It is gone, in words.
    Gone(String),
}

/// How a member's part ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// It played, and left a record.
    Ended(Ended),
    /// It did not begin.
    Failed(Failed),
    /// It was lost on the way.
    Gone(String),
}

/// Leads them to their end; how each ended.
pub async fn lead(
    crew: Crew,
    mut on_progress: OnProgress,
    mut interrupt: watch::Receiver<Interrupt>,
) -> BTreeMap<Segment, End> {
    let now = Instant::now();
    let heard_at = crew.members.iter().map(|(segment, _)| (*segment, now)).collect();
    let mut leading = Leading {
        crew,
        heard_at,
        ready: 0,
        ends: BTreeMap::new(),
        progress: BTreeMap::new(),
        asked: Interrupt::None,
        patience: None,
    };
    while !leading.is_over() {
        let deadline = leading.deadline();
        tokio::select! {
            said = leading.crew.inbox.recv() => match said {
                Some((segment, said)) => leading.hear(segment, said, &mut on_progress).await,
                None => leading.lose_all("nobody is left to speak with"),
            },
            changed = interrupt.changed(), if leading.asked < Interrupt::Now => {
                let asked = if changed.is_ok() { *interrupt.borrow_and_update() } else { Interrupt::Polite };
                leading.end(asked);
                if changed.is_err() {
                    // Whoever could interrupt is gone.
                    leading.asked = Interrupt::Now;
                }
            }
            () = sleep_until(deadline) => leading.look_for_silence(),
        }
    }
    leading.ends
}

struct Leading {
    crew: Crew,
    heard_at: BTreeMap<Segment, Instant>,
    ready: usize,
    ends: BTreeMap<Segment, End>,
    progress: BTreeMap<Segment, Progress>,
    asked: Interrupt,
    /// Until when members that were told to end are waited for.
    patience: Option<Instant>,
}

impl Leading {
    fn is_over(&self) -> bool {
        self.ends.len() >= self.crew.members.len()
    }

    /// When the next member would have been silent for too long, or the patience ends.
    fn deadline(&self) -> Instant {
        let open = self.heard_at.iter().filter(|(segment, _)| !self.ends.contains_key(segment));
        let silent = open.map(|(_, heard_at)| *heard_at + SILENT_MAX).min().unwrap_or_else(Instant::now);
        self.patience.map_or(silent, |patience| patience.min(silent))
    }

    async fn hear(&mut self, segment: Segment, said: Said, on_progress: &mut OnProgress) {
        if self.ends.contains_key(&segment) {
            return;
        }
        self.heard_at.insert(segment, Instant::now());
        match said {
            // Pieces are kept by whoever carries them.
            Said::Word(FromMember::StillHere | FromMember::Piece { .. }) => {}
            Said::Word(FromMember::Ready) => {
                self.ready += 1;
                if self.ready == self.crew.members.len() {
                    self.start().await;
                }
            }
            Said::Word(FromMember::Progress(progress)) => {
                self.progress.insert(segment, *progress);
                if let Some(sum) = sum(self.progress.values()) {
                    on_progress(&sum);
                }
            }
            Said::Word(FromMember::Ended(ended)) => drop(self.ends.insert(segment, End::Ended(*ended))),
            Said::Word(FromMember::Failed(failed)) => self.lost(segment, End::Failed(failed)),
            Said::Gone(why) => self.lost(segment, End::Gone(why)),
        }
    }

    async fn start(&mut self) {
        match self.crew.clock.soon().await {
            Ok(at_unix_ns) => self.say_all(&ToMember::Start { at_unix_ns }),
            Err(why) => self.lose_all(&why),
        }
    }

    /// Without this one the run is not what was planned: nobody needs to go on.
    fn lost(&mut self, segment: Segment, end: End) {
        self.ends.insert(segment, end);
        self.end(Interrupt::Polite);
    }

    fn lose_all(&mut self, why: &str) {
        for (segment, line) in &mut self.crew.members {
            if !self.ends.contains_key(segment) {
                line.give_up();
                self.ends.insert(*segment, End::Gone(why.to_owned()));
            }
        }
    }

    fn end(&mut self, asked: Interrupt) {
        if asked > self.asked {
            self.asked = asked;
            self.patience.get_or_insert_with(|| Instant::now() + LEAVE_WITHIN);
            self.say_all(&ToMember::End(asked));
        }
    }

    fn say_all(&mut self, word: &ToMember) {
        for (segment, line) in &mut self.crew.members {
            if !self.ends.contains_key(segment) {
                line.say(word);
            }
        }
    }

    fn look_for_silence(&mut self) {
        let now = Instant::now();
        if self.patience.is_some_and(|patience| now >= patience) {
            return self.lose_all("it did not end in time");
        }
        let silent: Vec<Segment> = self
            .heard_at
            .iter()
            .filter(|(segment, heard_at)| !self.ends.contains_key(segment) && now - **heard_at >= SILENT_MAX)
            .map(|(segment, _)| *segment)
            .collect();
        for segment in silent {
            let line = self.crew.members.iter_mut().find(|(member, _)| *member == segment);
            line.into_iter().for_each(|(_, line)| line.give_up());
            self.lost(segment, End::Gone(format!("it said nothing for {} s", SILENT_MAX.as_secs())));
        }
    }
}

/// All members as one: counts add up; of percentiles, which do not, the largest is shown.
fn sum<'a>(all: impl Iterator<Item = &'a Progress>) -> Option<Progress> {
    all.cloned().reduce(|sum, next| Progress {
        // The one that is behind says where all are.
        stage: sum.stage.min(next.stage),
        restraint: sum.restraint.max(next.restraint),
        t_ns: sum.t_ns.max(next.t_ns),
        end_ns: sum.end_ns.max(next.end_ns),
        users: sum.users + next.users,
        users_planned: sum.users_planned + next.users_planned,
        rate: sum.rate + next.rate,
        rate_planned: added(sum.rate_planned, next.rate_planned),
        operations_now: joined(sum.operations_now, next.operations_now, |one, other| SecondOfOperation {
            count: one.count + other.count,
            errors: one.errors + other.errors,
            p50_ns: one.p50_ns.max(other.p50_ns),
            p99_ns: one.p99_ns.max(other.p99_ns),
            max_ns: one.max_ns.max(other.max_ns),
        }),
        p50_ns: sum.p50_ns.max(next.p50_ns),
        p99_ns: sum.p99_ns.max(next.p99_ns),
        errors: sum.errors + next.errors,
        error_classes: joined(sum.error_classes, next.error_classes, |one, other| one + other),
        operations: sum.operations + next.operations,
        generator: worse(sum.generator, next.generator),
        lag_max_ns: sum.lag_max_ns.max(next.lag_max_ns),
        cpu_cores: sum.cpu_cores + next.cpu_cores,
        rss_bytes: sum.rss_bytes + next.rss_bytes,
        // All of them fetch the same ones: the newest that came are told.
        metrics: sum.metrics.into_iter().chain(next.metrics).collect(),
    })
}

/// What both plan, or the one that plans anything.
fn added(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.zip(other).map(|(one, other)| one + other).or(one).or(other)
}

/// What both count, by name.
fn joined<T: Copy>(
    mut one: BTreeMap<String, T>,
    other: BTreeMap<String, T>,
    join: impl Fn(T, T) -> T,
) -> BTreeMap<String, T> {
    for (name, value) in other {
        one.entry(name).and_modify(|known| *known = join(*known, value)).or_insert(value);
    }
    one
}

fn worse(one: Validity, other: Validity) -> Validity {
    match (one, other) {
        (Validity::Invalid, _) | (_, Validity::Invalid) => Validity::Invalid,
        (Validity::Suspect, _) | (_, Validity::Suspect) => Validity::Suspect,
        (Validity::Valid, Validity::Valid) => Validity::Valid,
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has no host whose spawner could own the task")]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};

    /// What was said to each.
    type Heard = Arc<Mutex<Vec<(Segment, ToMember)>>>;

    struct Ear(Segment, Heard);

    impl Line for Ear {
        fn say(&mut self, word: &ToMember) {
            self.1.lock().unwrap().push((self.0, word.clone()));
        }
        fn give_up(&mut self) {}
    }

    struct At(u64);

    impl StartClock for At {
        fn soon(&mut self) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + '_>> {
            Box::pin(async { Ok(self.0) })
        }
    }

    struct Played {
        heard: Heard,
        tell: mpsc::UnboundedSender<(Segment, Said)>,
        leading: tokio::task::JoinHandle<BTreeMap<Segment, End>>,
        _interrupt: watch::Sender<Interrupt>,
    }

    const ONE: Segment = Segment { nth: 1, of: 2 };
    const TWO: Segment = Segment { nth: 2, of: 2 };

    fn two() -> Played {
        let (heard, (tell, inbox)) = (Heard::default(), mpsc::unbounded_channel());
        let members = [ONE, TWO].map(|segment| (segment, Box::new(Ear(segment, heard.clone())) as Box<dyn Line>));
        let (interrupt, asked) = watch::channel(Interrupt::None);
        let crew = Crew { inbox, members: members.into(), clock: Box::new(At(7)) };
        let leading = tokio::spawn(lead(crew, Box::new(|_| {}), asked));
        Played { heard, tell, leading, _interrupt: interrupt }
    }

    impl Played {
        fn says(&self, segment: Segment, word: FromMember) {
            self.tell.send((segment, Said::Word(word))).unwrap();
        }
        fn heard(&self) -> Vec<(Segment, ToMember)> {
            self.heard.lock().unwrap().clone()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_start_at_one_moment_once_the_last_is_ready() {
        let played = two();
        played.says(ONE, FromMember::Ready);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(played.heard().is_empty());
        played.says(TWO, FromMember::Ready);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let start = ToMember::Start { at_unix_ns: 7 };
        assert_eq!(played.heard(), [(ONE, start.clone()), (TWO, start)]);
        [ONE, TWO].into_iter().for_each(|segment| played.says(segment, FromMember::Ended(Box::default())));
        assert!(played.leading.await.unwrap().values().all(|end| matches!(end, End::Ended(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn who_falls_silent_is_gone_and_the_others_end_politely() {
        let played = two();
        for _ in 0..20 {
            played.says(ONE, FromMember::StillHere);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(played.heard(), [(ONE, ToMember::End(Interrupt::Polite))]);
        played.says(ONE, FromMember::Ended(Box::default()));
        let ends = played.leading.await.unwrap();
        assert!(matches!((&ends[&ONE], &ends[&TWO]), (End::Ended(_), End::Gone(why)) if why.contains("said nothing")));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_end_when_it_is_told_to_is_given_up() {
        let played = two();
        played.tell.send((TWO, Said::Gone("killed".into()))).unwrap();
        for _ in 0..200 {
            let _ = played.tell.send((ONE, Said::Word(FromMember::StillHere)));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let ends = played.leading.await.unwrap();
        assert!(matches!(&ends[&ONE], End::Gone(why) if why.contains("did not end in time")));
    }
}
