//! Faults on a live run's own users, played inside the generator: the target is not touched. Start here: [`LiveFaults`].
//!
//! - `host`: a host that faults name, and its lives
//! - `network`, `links`, `line`, `queue`, `pump`: connections that faults reach
//! - [`notes`]: where this differs from what it stands for, for readers of the report
//!
//! The schedule, the links' model and what the record says are those of both worlds (`crate::faults`). Neighbours: `driver`
//! plays users and asks for this. Left out: faults on servers and clocks, which `guard` refuses.

mod host;
mod line;
mod links;
pub mod network;
pub mod notes;
mod pump;
mod queue;
#[cfg(test)]
mod tests;

use super::machine::MachineSpawner;
use super::network::{LiveStream, TcpNetwork};
use crate::commons::lock;
use crate::faults::FaultId;
use crate::faults::link::Link;
use crate::faults::lives::Lives;
use crate::faults::orders::Orders;
use crate::faults::schedule::{Schedule, Stricken};
use crate::faults::sights::{Hit, Sights};
use crate::sink::{Draft, EventSink};
use crate::users::{UserEnv, play_user};
use host::{Host, Life, Told};
use links::{Links, Way};
use network::FaultyNetwork;
use rehearsal_reference::surroundings::{Spawn, Surroundings};
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{self, FaultAction, UserPlan, is_server};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, Weak};
use tokio::sync::Notify;

/// What the users of a live run find around them.
pub type Env = UserEnv<FaultyNetwork<TcpNetwork>>;

/// The faults of a live run, and the hosts that they name.
pub struct LiveFaults {
    /// What users find around them; their sink sees messages that faults wait for.
    env: Arc<Env>,
    orders: Orders,
    spawner: Arc<MachineSpawner>,
    hosts: BTreeMap<String, Host>,
    sights: Option<Arc<Sights>>,
    lives: Mutex<Lives>,
    /// None once everything has healed.
    schedule: Mutex<Option<Schedule>>,
    changed: Notify,
}

impl LiveFaults {
    /// The faults of the plan, before time 0.
    pub fn new(env: Env, orders: Orders, spawner: Arc<MachineSpawner>) -> Arc<LiveFaults> {
        let hosts = hosts(&env, &spawner);
        Arc::new_cyclic(|faults: &Weak<LiveFaults>| {
            let faults = faults.clone();
            let has_come = move || {
                if let Some(faults) = faults.upgrade() {
                    // The user whose message it is does not go on before the fault has begun.
                    faults.play_due();
                    faults.changed.notify_one();
                }
            };
            let sights = Sights::new(&env.plan, env.sink.clone(), has_come);
            let sink: Arc<dyn EventSink> = match &sights {
                Some(sights) => sights.clone(),
                None => env.sink.clone(),
            };
            let schedule = Mutex::new(Some(Schedule::new(env.plan.clone())));
            let env = Arc::new(UserEnv { sink, ..env });
            LiveFaults {
                env,
                orders,
                spawner,
                hosts,
                sights,
                lives: Mutex::default(),
                schedule,
                changed: Notify::new(),
            }
        })
    }

    /// Starts a user; `told` is dropped when it has come to its end for good.
    pub fn start(self: &Arc<Self>, user: &UserPlan, told: Told) {
        if let Some(host) = self.hosts.get(&user.host) {
            host.keep(user.number, told);
            return self.start_host(&user.host);
        }
        let (env, number) = (self.env.clone(), user.number);
        let life = async move {
            // Told also when the user's task panics.
            let _told = told;
            play_user(env, number, 0).await;
        };
        self.spawner.spawn("user", Box::pin(life)).detach();
    }

    /// Lets faults begin and end at their times, from time 0 on.
    pub async fn run(self: Arc<Self>) {
        loop {
            match self.play_due() {
                Some(next_ns) => tokio::select! {
                    () = self.env.sleep_until(next_ns) => {}
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
        }
    }

    /// Everything that lasts ends, and nothing begins any more.
    pub fn heal(self: &Arc<Self>) {
        let Some(mut schedule) = lock(&self.schedule).take() else { return };
        let Ok(()) = schedule.heal(self.env.sink.now_ns(), &mut Arc::clone(self));
        self.tell_of_the_gone(&schedule);
    }

    /// Ends all lives, at the end of the run.
    pub async fn end_all(&self) {
        for host in self.hosts.values() {
            if let Some(life) = host.end_life() {
                life.drop_tasks().await;
            }
            host.links.replace();
            host.is_gone();
        }
    }

    /// Plays what is due; when the next fault begins or ends, if that is known.
    fn play_due(self: &Arc<Self>) -> Option<i64> {
        let mut schedule = lock(&self.schedule);
        let schedule = schedule.as_mut()?;
        let Ok(()) = schedule.play(self.env.sink.now_ns(), &mut Arc::clone(self));
        self.tell_of_the_gone(schedule);
        schedule.next_ns()
    }

    /// Whoever is down for good is not waited for.
    fn tell_of_the_gone(&self, schedule: &Schedule) {
        let gone = self.hosts.iter().filter(|(name, _)| schedule.is_gone(name));
        gone.for_each(|(_, host)| host.is_gone());
    }

    fn start_host(self: &Arc<Self>, name: &str) {
        let Some(host) = self.hosts.get(name) else { return };
        let Some(life) = host.begin_life(&self.spawner) else { return };
        for &number in &host.users {
            let user = self.env.user(number);
            let nth = lock(&self.lives).begin(user, life.incarnation, self.env.sink.now_ns());
            // It may have done all it wanted before its host went down.
            let Some(nth) = nth else { continue };
            let env = self.env_on(name, host, &life);
            let ends = EndsLife { faults: self.clone(), life: life.clone(), host: name.to_owned(), number };
            let playing = async move {
                let _ends = ends;
                play_user(env, number, nth).await;
            };
            life.spawner().spawn("user", Box::pin(playing)).detach();
        }
    }

    fn env_on(&self, name: &str, host: &Host, life: &Life) -> Arc<Env> {
        Arc::new(UserEnv {
            network: self.env.network.through(host.links.clone(), life.hold()),
            surroundings: Surroundings { spawner: life.spawner(), ..self.env.surroundings.clone() },
            phase: self.orders.of(name),
            ..Env::clone(&self.env)
        })
    }

    fn each_host<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = (&'a String, &'a Host)> {
        names.iter().filter_map(|name| Some((name, self.hosts.get(name)?)))
    }

    /// The links of the users on either side, with the directions that `way` means for them.
    fn change_links(&self, left: &[String], right: &[String], way: plan::Way, change: impl Fn(&mut Link, Nanos)) {
        for (side, there, back) in [
            (left, plan::Way::LeftToRight, plan::Way::RightToLeft),
            (right, plan::Way::RightToLeft, plan::Way::LeftToRight),
        ] {
            let of = |one, direction| (way == plan::Way::Both || way == one).then_some(direction);
            let ways: Vec<Way> = [of(there, Way::There), of(back, Way::Back)].into_iter().flatten().collect();
            self.each_host(side).for_each(|(_, host)| host.links.change(&ways, &change));
        }
    }

    fn take_down(&self, names: &[String], is_lost: bool) {
        for (_, host) in self.each_host(names) {
            let Some(life) = host.end_life() else { continue };
            if is_lost {
                host.links.lose();
            }
            self.spawner.spawn("the end of a life", Box::pin(async move { life.drop_tasks().await })).detach();
        }
    }
}

impl Stricken for Arc<LiveFaults> {
    type Error = Infallible;

    fn begin(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), Infallible> {
        match action {
            FaultAction::Partition { left, right, way } => {
                self.change_links(left, right, *way, |link, now_ns| link.cut(fault, now_ns));
            }
            FaultAction::Latency { left, right, added } => {
                self.change_links(left, right, plan::Way::Both, |link, _| link.slow_down(fault, added.clone()));
            }
            FaultAction::Loss { left, right, share } => {
                self.change_links(left, right, plan::Way::Both, |link, _| link.lose(fault, *share));
            }
            FaultAction::Bandwidth { left, right, bytes_per_s } => {
                self.change_links(left, right, plan::Way::Both, |link, _| link.narrow(fault, *bytes_per_s));
            }
            FaultAction::Kill { hosts } => self.take_down(hosts, false),
            FaultAction::Lose { hosts } => self.take_down(hosts, true),
            FaultAction::Pause { hosts } => self.each_host(hosts).for_each(|(_, host)| host.gate.close(fault)),
            // The schedule tells to stop and then kills; the guard has refused what sets clocks.
            FaultAction::Stop { .. } | FaultAction::ClockSkew { .. } => {}
        }
        Ok(())
    }

    fn end(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), Infallible> {
        match action {
            FaultAction::Partition { left, right, .. }
            | FaultAction::Latency { left, right, .. }
            | FaultAction::Loss { left, right, .. }
            | FaultAction::Bandwidth { left, right, .. } => {
                self.change_links(left, right, plan::Way::Both, |link, _| {
                    link.end(fault);
                });
            }
            FaultAction::Kill { hosts } | FaultAction::Lose { hosts } => {
                for (name, host) in self.each_host(hosts) {
                    host.links.replace();
                    self.start_host(name);
                }
            }
            FaultAction::Pause { hosts } => self.each_host(hosts).for_each(|(_, host)| host.gate.open(fault)),
            FaultAction::Stop { .. } | FaultAction::ClockSkew { .. } => {}
        }
        Ok(())
    }

    fn stop(&mut self, host: &str) {
        self.orders.stop(host);
    }

    fn start(&mut self, host: &str) {
        self.orders.start(host);
    }

    fn has_exited(&self, host: &str) -> bool {
        let lives = lock(&self.lives);
        self.hosts.get(host).is_none_or(|host| host.users.iter().all(|user| lives.has_left(*user)))
    }

    fn sighted(&mut self) -> Vec<Hit> {
        self.sights.as_ref().map_or_else(Vec::new, |sights| sights.take())
    }

    fn record(&mut self, event: Draft) {
        self.env.sink.record(event);
    }
}

/// A user's life comes to its end, when dropped, unless a fault has ended it.
struct EndsLife {
    faults: Arc<LiveFaults>,
    life: Life,
    host: String,
    number: u32,
}

impl Drop for EndsLife {
    fn drop(&mut self) {
        if self.life.is_over() {
            return;
        }
        let was_told_to_stop = self.faults.orders.is_stopped(&self.host);
        lock(&self.faults.lives).end(self.number, was_told_to_stop);
        if !was_told_to_stop && let Some(host) = self.faults.hosts.get(&self.host) {
            host.has_ended(self.number);
        }
        self.faults.changed.notify_one();
    }
}

/// Hosts of users that a fault names.
fn hosts(env: &Env, kernel: &Arc<MachineSpawner>) -> BTreeMap<String, Host> {
    let named = env.plan.faults.iter().flat_map(|fault| fault.action.hosts()).filter(|host| !is_server(host));
    let host = |name: &String| {
        let draw = Draw::of_seed(env.plan.seed).named("live link").named(name);
        let users = env.plan.users.iter().filter(|user| user.host == *name).map(|user| user.number).collect();
        let links: Arc<Links<LiveStream>> = Links::new(draw, env.plan.network.tcp_timeout_ns, kernel.clone());
        (name.clone(), Host::new(users, links))
    };
    named.collect::<BTreeSet<_>>().into_iter().map(host).collect()
}
