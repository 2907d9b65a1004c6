//! A worker runs one job at a time (operational document: the race for one worker, T+0 to T+21). Judged by the spans that
//! workers write when a job begins and ends; a worker that dies takes its jobs with it.

use super::cast::Cast;
use super::faults::HostFate;
use super::findings::{Findings, Profile, seconds, users};
use super::moment::{Act, Moment};
use super::names::Id;
use super::{Check, RunEnd};
use crate::event::{Body, Closer, Name};
use crate::verdict::{CheckVerdict, Evidence};
use std::collections::BTreeMap;

pub(super) const NAME: &str = "worker_runs_one_job_at_a_time";

#[derive(Default)]
pub(super) struct OneJobAtATime {
    running: BTreeMap<Id, Vec<Running>>,
    findings: Findings,
}

struct Running {
    job: Name,
    client: Name,
    n: u64,
    /// Overlaps that end when this job ends: the evidence, and both jobs as a reader knows them.
    overlaps: Vec<Overlap>,
}

struct Overlap {
    evidence: usize,
    from_ns: i64,
    opening: String,
    other: Name,
}

impl Check for OneJobAtATime {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        let t_ns = moment.event.t_ns;
        match (&moment.act, &moment.event.body) {
            (Act::JobBegan, Body::Job { job, client, .. }) => self.began(moment, cast, job, client),
            (Act::JobEnded, Body::Job { job, .. }) => self.ended(moment.user, job, t_ns),
            (Act::Fault { fate: HostFate::Down, users }, _) => users.iter().for_each(|user| self.died(*user, t_ns)),
            (Act::Closed { .. }, Body::Closed { by: Closer::Fault, .. }) => self.died(moment.user, t_ns),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>, end: RunEnd, _: &Cast) -> CheckVerdict {
        for user in self.running.keys().copied().collect::<Vec<_>>() {
            self.died(user, end.t_ns);
        }
        self.findings.verdict(Profile {
            name: NAME,
            property: "a worker runs one job at a time",
            judged_what: "jobs",
            idle: "no job was begun",
        })
    }
}

impl OneJobAtATime {
    fn began(&mut self, moment: &Moment<'_>, cast: &Cast, job: &Name, client: &Name) {
        self.findings.judge();
        let (worker, event) = (cast.name(moment.user), moment.event);
        let running = self.running.entry(moment.user).or_default();
        let mut overlaps = Vec::new();
        if let Some(first) = running.first() {
            let asker = |client: &Name| cast.known(client).map(|peer| cast.display(peer).clone());
            let clients = [asker(&first.client), asker(client)];
            let evidence = Evidence {
                sentence: String::new(),
                from_ns: event.t_ns,
                until_ns: event.t_ns,
                users: users(std::iter::once(worker).chain(clients.iter().flatten())),
                events: vec![first.n, event.n],
            };
            let opening = format!(
                "{worker} ran jobs {} and {} together from {}",
                cast.display_job(&first.job, &first.client),
                cast.display_job(job, client),
                seconds(event.t_ns)
            );
            let other = first.job.clone();
            if let Some(evidence) = self.findings.broken(evidence) {
                overlaps.push(Overlap { evidence, from_ns: event.t_ns, opening, other });
            }
        }
        running.push(Running { job: job.clone(), client: client.clone(), n: event.n, overlaps });
    }

    fn ended(&mut self, user: Id, job: &Name, t_ns: i64) {
        let Some(running) = self.running.get_mut(&user) else { return };
        let Some(index) = running.iter().position(|running| running.job == *job) else { return };
        for mut overlap in running.remove(index).overlaps {
            overlap.complete(&mut self.findings, t_ns);
        }
        for still_running in running.iter_mut() {
            for mut overlap in still_running.overlaps.extract_if(.., |overlap| overlap.other == *job) {
                overlap.complete(&mut self.findings, t_ns);
            }
        }
        if running.is_empty() {
            self.running.remove(&user);
        }
    }

    fn died(&mut self, user: Id, t_ns: i64) {
        for running in self.running.remove(&user).unwrap_or_default() {
            for mut overlap in running.overlaps {
                overlap.complete(&mut self.findings, t_ns);
            }
        }
    }
}

impl Overlap {
    fn complete(&mut self, findings: &mut Findings, until_ns: i64) {
        let evidence = findings.evidence_mut(self.evidence);
        evidence.until_ns = until_ns;
        evidence.sentence = format!("{} for {}", self.opening, seconds(until_ns.saturating_sub(self.from_ns)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::history_for_tests::History;
    use super::*;

    fn two_clients_and_a_worker() -> History {
        let mut history = History::new();
        history.at(0.0).joins("workers-0", 1, "room");
        history.at(0.1).joins("clients-0", 1, "room");
        history.at(0.2).joins("clients-1", 1, "room");
        history
    }

    #[test]
    fn two_jobs_that_overlap_break_it() {
        let mut history = two_clients_and_a_worker();
        history.at(10.0).begins("workers-0", "clients-0-j1", "clients-0");
        history.at(15.214).begins("workers-0", "clients-1-j1", "clients-1");
        history.at(23.624).ends("workers-0", "clients-0-j1", "clients-0");
        history.at(45.0).ends("workers-0", "clients-1-j1", "clients-1");
        let evidence = history.broken_under(NAME);
        assert_eq!(
            evidence[0].sentence,
            "workers-0 ran jobs clients-0-j1 and clients-1-j1 together from 15.214 s for 8.410 s"
        );
        assert_eq!(evidence[0].users, ["workers-0".into(), "clients-0".into(), "clients-1".into()]);
    }

    #[test]
    fn an_overlap_that_never_ends_lasts_to_the_end_of_the_run() {
        let mut history = two_clients_and_a_worker();
        history.at(1.0).begins("workers-0", "clients-0-j1", "clients-0");
        history.at(2.0).begins("workers-0", "clients-1-j1", "clients-1");
        let evidence = history.at(10.0).broken_under(NAME);
        assert!(evidence[0].sentence.ends_with("from 2.000 s for 8.000 s"), "{}", evidence[0].sentence);
    }

    #[test]
    fn a_job_that_begins_when_the_one_before_has_ended_is_fine() {
        let mut history = two_clients_and_a_worker();
        history.at(10.0).begins("workers-0", "clients-0-j1", "clients-0");
        history.at(15.0).ends("workers-0", "clients-0-j1", "clients-0");
        history.at(15.0).begins("workers-0", "clients-1-j1", "clients-1");
        assert_eq!(history.holds_under(NAME), 2);
    }

    #[test]
    fn two_workers_may_run_a_job_each() {
        let mut history = two_clients_and_a_worker();
        history.at(10.0).begins("workers-0", "clients-0-j1", "clients-0");
        history.at(11.0).begins("workers-1", "clients-1-j1", "clients-1");
        assert_eq!(history.holds_under(NAME), 2);
    }

    #[test]
    fn a_killed_worker_has_ended_its_job_when_it_starts_again() {
        let mut history = two_clients_and_a_worker();
        history.at(10.0).begins("workers-0", "clients-0-j1", "clients-0");
        history.at(12.0).fault("death", "killed", &["workers-0"]);
        history.at(17.0).fault("death", "restarted", &["workers-0"]);
        history.at(18.0).begins("workers-0", "clients-1-j1", "clients-1");
        assert_eq!(history.holds_under(NAME), 2);
    }

    #[test]
    fn nothing_is_said_without_a_job() {
        assert_eq!(two_clients_and_a_worker().verdict_under(NAME).verdict.word(), "not_judged");
    }
}
