//! A job is begun once, by one worker (design: a client that gives up asks again under a new id). Ended jobs are remembered as
//! hashes, the newest million of them.

use super::cast::Cast;
use super::findings::{Findings, Profile, seconds, users};
use super::moment::{Act, Moment};
use super::names::Id;
use super::{Check, RunEnd};
use crate::event::{Body, Name};
use crate::verdict::{CheckVerdict, Evidence};
use hashbrown::HashTable;
use std::collections::VecDeque;
use xxhash_rust::xxh3::xxh3_64;

pub(super) const NAME: &str = "job_is_begun_by_one_worker";

/// How many jobs are remembered.
const JOBS_KEPT: usize = 1 << 20;

#[derive(Default)]
pub(super) struct OneWorker {
    begun: HashTable<Begun>,
    order: VecDeque<u64>,
    findings: Findings,
}

#[derive(Clone, Copy)]
struct Begun {
    job: u64,
    worker: Id,
    n: u64,
    t_ns: i64,
}

impl Check for OneWorker {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        if let (Act::JobBegan, Body::Job { job, client, .. }) = (&moment.act, &moment.event.body) {
            self.findings.judge();
            let hash = xxh3_64(job.as_bytes());
            match self.begun.find(hash, |begun| begun.job == hash).copied() {
                Some(first) => self.broken(first, moment, cast, job, client),
                None => self.remember(hash, moment),
            }
        }
    }

    fn finish(self: Box<Self>, _: RunEnd, _: &Cast) -> CheckVerdict {
        self.findings.verdict(Profile {
            name: NAME,
            property: "a job is begun once, by one worker",
            judged_what: "jobs",
            idle: "no job was begun",
        })
    }
}

impl OneWorker {
    fn remember(&mut self, job: u64, moment: &Moment<'_>) {
        if self.order.len() >= JOBS_KEPT
            && let Some(oldest) = self.order.pop_front()
            && let Ok(entry) = self.begun.find_entry(oldest, |begun| begun.job == oldest)
        {
            entry.remove();
        }
        let begun = Begun { job, worker: moment.user, n: moment.event.n, t_ns: moment.event.t_ns };
        self.begun.insert_unique(job, begun, |begun| begun.job);
        self.order.push_back(job);
    }

    fn broken(&mut self, first: Begun, moment: &Moment<'_>, cast: &Cast, job: &Name, client: &Name) {
        let (one, other) = (cast.name(first.worker), cast.name(moment.user));
        let again = if one == other { "again".to_owned() } else { format!("by {other}") };
        let asker = cast.known(client).map(|peer| cast.display(peer).clone());
        self.findings.broken(Evidence {
            sentence: format!(
                "job {} was begun by {one} at {} and {again} at {}",
                cast.display_job(job, client),
                seconds(first.t_ns),
                seconds(moment.event.t_ns)
            ),
            from_ns: first.t_ns,
            until_ns: moment.event.t_ns,
            users: users([one, other].into_iter().chain(asker.as_ref())),
            events: vec![first.n, moment.event.n],
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::history_for_tests::History;
    use super::*;

    #[test]
    fn one_id_at_two_workers_breaks_it() {
        let mut history = History::new();
        history.at(0.0).joins("clients-0", 1, "room");
        history.at(1.0).begins("workers-0", "clients-0-j1", "clients-0");
        history.at(2.0).ends("workers-0", "clients-0-j1", "clients-0");
        history.at(3.0).begins("workers-1", "clients-0-j1", "clients-0");
        let evidence = history.broken_under(NAME);
        assert_eq!(
            evidence[0].sentence,
            "job clients-0-j1 was begun by workers-0 at 1.000 s and by workers-1 at 3.000 s"
        );
    }

    #[test]
    fn one_id_twice_at_one_worker_breaks_it() {
        let mut history = History::new();
        history.at(1.0).begins("workers-0", "j1", "clients-0");
        history.at(2.0).ends("workers-0", "j1", "clients-0");
        history.at(3.0).begins("workers-0", "j1", "clients-0");
        let evidence = history.broken_under(NAME);
        assert_eq!(evidence[0].sentence, "job j1 was begun by workers-0 at 1.000 s and again at 3.000 s");
    }

    #[test]
    fn two_ids_at_one_worker_are_two_jobs() {
        let mut history = History::new();
        history.at(1.0).begins("workers-0", "j1", "clients-0");
        history.at(2.0).ends("workers-0", "j1", "clients-0");
        history.at(3.0).begins("workers-0", "j2", "clients-0");
        assert_eq!(history.holds_under(NAME), 2);
    }

    #[test]
    fn another_attempt_has_an_id_of_its_own() {
        let mut history = History::new();
        history.at(1.0).begins("workers-0", "clients-0-j1-a1", "clients-0");
        history.at(3.0).begins("workers-1", "clients-0-j1-a2", "clients-0");
        assert_eq!(history.holds_under(NAME), 2);
    }
}
