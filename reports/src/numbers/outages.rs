//! Outages, and the round of retries after each: when many users lose their connections at once, how many came back in one
//! second at most, and how long it took until 99 % were back. Neighbours: `seconds` (who is connected, second by second).

use crate::checks::names::{Id, Names};
use crate::event::{Body, Closer, Event, Kind};
use crate::render::units::{offset_s, span, thousands};
use std::collections::{BTreeSet, VecDeque};
use std::fmt::{self, Display, Formatter};

const SECOND_NS: i64 = 1_000_000_000;
/// It is an outage when this share of the connected users is lost within a second, and at least so many.
const SHARE_MIN: f64 = 0.1;
const USERS_MIN: usize = 3;
/// It is over when no more than this share of the lost users is still away.
const AWAY_SHARE: f64 = 0.01;

/// Users that lost their connections at once, by no doing of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When the first of them did, in nanoseconds of plan time.
    pub from_ns: i64,
    /// How many did.
    pub lost: u64,
    /// How long after that 99 % were back, in nanoseconds; none if the run ended before.
    pub back_after_ns: Option<u64>,
    /// How many are back.
    pub back: u64,
    /// How many connections were opened in one second at most.
    pub reconnects_per_second_max: u64,
}

impl Display for Outage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (lost, most) = (thousands(self.lost), thousands(self.reconnects_per_second_max));
        write!(f, "outage at {} s: {lost} users lost their connection; ", offset_s(self.from_ns))?;
        match self.back_after_ns {
            Some(after_ns) => write!(f, "99 % of them were back after {}", span(after_ns))?,
            None => write!(f, "{} of them were back at the end", thousands(self.back))?,
        }
        write!(f, ", at most {most} connections were opened in one second")
    }
}

/// Folds connections.
#[derive(Default)]
pub struct Outages {
    users: Names,
    /// Open connections by user.
    open: Vec<u32>,
    connected: usize,
    /// Losses within the last second.
    recent: VecDeque<(i64, Id)>,
    going_on: Option<GoingOn>,
    over: Vec<Outage>,
}

struct GoingOn {
    from_ns: i64,
    lost: BTreeSet<Id>,
    away: BTreeSet<Id>,
    /// When connections were opened within the last second.
    opened: VecDeque<i64>,
    opened_max: usize,
}

impl Outages {
    /// Takes the next event into account.
    pub fn observe(&mut self, event: &Event) {
        match (event.kind, &event.body) {
            (Kind::Opened, _) => self.opened(event),
            (Kind::Closed, Body::Closed { by, .. }) => self.closed(event, *by),
            _ => {}
        }
    }

    /// All outages, once the run has ended.
    pub fn finish(mut self) -> Vec<Outage> {
        self.over.extend(self.going_on.take().map(|it| it.ended(None)));
        self.over
    }

    fn opened(&mut self, event: &Event) {
        let user = self.user(event);
        self.open[user.index()] += 1;
        if self.open[user.index()] > 1 {
            return;
        }
        self.connected += 1;
        let Some(it) = &mut self.going_on else { return };
        it.came_back(user, event.t_ns);
        if it.away.len() as f64 <= AWAY_SHARE * it.lost.len() as f64 {
            self.over.extend(self.going_on.take().map(|it| it.ended(Some(event.t_ns))));
        }
    }

    fn closed(&mut self, event: &Event, by: Closer) {
        let user = self.user(event);
        let open = &mut self.open[user.index()];
        if *open != 1 {
            *open = open.saturating_sub(1);
            return;
        }
        *open = 0;
        self.connected -= 1;
        if matches!(by, Closer::Us | Closer::Fault) {
            return;
        }
        match &mut self.going_on {
            Some(it) => it.lose(user),
            None => self.lost(user, event.t_ns),
        }
    }

    fn lost(&mut self, user: Id, t_ns: i64) {
        while self.recent.front().is_some_and(|(lost_ns, _)| t_ns - lost_ns > SECOND_NS) {
            self.recent.pop_front();
        }
        self.recent.push_back((t_ns, user));
        let lost = self.recent.len();
        let Some((from_ns, _)) = self.recent.front().copied() else { return };
        if lost < USERS_MIN || (lost as f64) < SHARE_MIN * (self.connected + lost) as f64 {
            return;
        }
        let lost: BTreeSet<Id> = self.recent.drain(..).map(|(_, user)| user).collect();
        let away = lost.iter().copied().filter(|user| self.open[user.index()] == 0).collect();
        self.going_on = Some(GoingOn { from_ns, lost, away, opened: VecDeque::new(), opened_max: 0 });
    }

    fn user(&mut self, event: &Event) -> Id {
        let user = self.users.id(&event.user);
        if user.index() >= self.open.len() {
            self.open.resize(user.index() + 1, 0);
        }
        user
    }
}

impl GoingOn {
    fn lose(&mut self, user: Id) {
        self.lost.insert(user);
        self.away.insert(user);
    }

    fn came_back(&mut self, user: Id, t_ns: i64) {
        self.away.remove(&user);
        while self.opened.front().is_some_and(|opened_ns| t_ns - opened_ns >= SECOND_NS) {
            self.opened.pop_front();
        }
        self.opened.push_back(t_ns);
        self.opened_max = self.opened_max.max(self.opened.len());
    }

    fn ended(self, at_ns: Option<i64>) -> Outage {
        Outage {
            from_ns: self.from_ns,
            lost: self.lost.len() as u64,
            back_after_ns: at_ns.map(|at_ns| super::span(self.from_ns, at_ns)),
            back: (self.lost.len() - self.away.len()) as u64,
            reconnects_per_second_max: self.opened_max as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[derive(Default)]
    struct Run(Outages);

    impl Run {
        fn put(&mut self, t_ms: i64, user: i64, kind: Kind, body: Body) {
            let (t_ns, user) = (t_ms * MS, format!("user-{user}").into());
            let (op, op_id, planned_ns) = ("".into(), None, None);
            let (said, content) = Default::default();
            let event =
                Event { n: 0, t_ns, process: 0, user, conn: 1, kind, op, op_id, planned_ns, said, content, body };
            self.0.observe(&event);
        }

        fn opens(&mut self, t_ms: i64, user: i64) {
            self.put(t_ms, user, Kind::Opened, Body::Empty);
        }

        fn closes(&mut self, t_ms: i64, user: i64, by: Closer) {
            self.put(t_ms, user, Kind::Closed, Body::Closed { by, code: None, reason: "".into() });
        }

        /// So many users, all connected.
        fn of(users: i64) -> Run {
            let mut run = Run::default();
            (0..users).for_each(|user| run.opens(0, user));
            run
        }
    }

    #[test]
    fn an_outage_lasts_until_99_of_100_are_back_and_shows_its_busiest_second() {
        let mut run = Run::of(200);
        (0..100).for_each(|user| run.closes(1_000 + user, user, Closer::Network));
        (0..50).for_each(|user| run.opens(3_000, user));
        (50..100).for_each(|user| run.opens(4_000 + 100 * (user - 50), user));
        let outages = run.0.finish();
        let [outage] = outages.as_slice() else { panic!("{outages:?}") };
        assert_eq!((outage.from_ns / MS, outage.lost, outage.back), (1_000, 100, 99));
        assert_eq!((outage.back_after_ns, outage.reconnects_per_second_max), (Some(7_800_000_000), 50));
        assert_eq!(
            outage.to_string(),
            "outage at 1.000 s: 100 users lost their connection; 99 % of them were back after 7.80 s, at most 50 \
             connections were opened in one second"
        );
    }

    #[test]
    fn who_leaves_by_itself_or_alone_is_no_outage() {
        let mut run = Run::of(100);
        (0..50).for_each(|user| run.closes(1_000, user, Closer::Us));
        (50..54).for_each(|user| run.closes(2_000, user, Closer::Peer));
        (54..58).for_each(|user| run.closes(3_500, user, Closer::Peer));
        assert_eq!(run.0.finish(), []);
    }

    #[test]
    fn an_outage_that_nobody_came_back_from_says_so() {
        let mut run = Run::of(4);
        (0..4).for_each(|user| run.closes(1_000, user, Closer::Peer));
        run.opens(2_000, 0);
        let outages = run.0.finish();
        assert_eq!((outages[0].lost, outages[0].back, outages[0].back_after_ns), (4, 1, None));
        assert!(outages[0].to_string().contains("1 of them were back at the end"), "{}", outages[0]);
    }
}
