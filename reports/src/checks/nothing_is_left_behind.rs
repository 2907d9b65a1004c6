//! Nothing is left behind at the end: each room and identity that the run made is removed again, no job is still running,
//! no worker is still reserved (operational document: cleanup of rooms and identity users). Only a run that came to its
//! planned end can be judged; another leaves the matter open, and so does a target that could not be asked any more.

use super::cast::Cast;
use super::faults::HostFate;
use super::findings::{Findings, Profile, seconds, users};
use super::metadata;
use super::moment::{Act, Ask, Moment, What};
use super::names::Id;
use super::{Check, RunEnd};
use crate::event::{Body, Closer, Kind, Name};
use crate::verdict::{CheckVerdict, Evidence};
use std::collections::BTreeMap;

pub(super) const NAME: &str = "nothing_is_left_behind";

#[derive(Default)]
pub(super) struct NothingLeft {
    resources: BTreeMap<(Name, Name), Made>,
    /// What is being removed, by the user that does it and its operation.
    removing: BTreeMap<(Id, u64), (Name, Name)>,
    /// The last removal did not reach the target, or got no answer.
    is_out_of_reach: bool,
    /// What is said of each at the end; of a resource it is made up then, since every user has one.
    jobs: BTreeMap<(Id, Name), (String, Made)>,
    reserved: BTreeMap<(Id, u32), (String, Made)>,
    findings: Findings,
}

/// Something that must be gone at the end.
struct Made {
    by: Name,
    n: u64,
    t_ns: i64,
    /// A room or an identity, of which only the target can say whether it is gone.
    is_on_target: bool,
    removal: Removal,
}

/// What became of the last attempt to remove something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Removal {
    /// There was none.
    Untried,
    /// Nobody can say: it was not answered, or the target not reached.
    Unanswered,
    /// The target said no, so it is still there.
    Refused,
}

impl Check for NothingLeft {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        let event = moment.event;
        match (&moment.act, &event.body) {
            (Act::Answered(Ask { what: What::Resource, .. }) | Act::Resource, Body::Resource { what, id }) => {
                if let Act::Answered(ask) = &moment.act {
                    self.removing.remove(&(moment.user, ask.op_id));
                }
                self.resource(moment, what, id);
            }
            (Act::Lapsed(Ask { what: What::Resource, .. }), _) if !removes(&event.op) => self.findings.doubt(|| {
                format!(
                    "{} may have made something at {}: {} was never answered",
                    event.user,
                    seconds(event.t_ns),
                    event.op
                )
            }),
            (Act::Asked(Ask { what: What::Resource, op_id, .. }), Body::Resource { what, id })
                if removes(&event.op) =>
            {
                let key = (what.clone(), id.clone());
                self.tried(&key, Removal::Unanswered);
                self.removing.insert((moment.user, *op_id), key);
            }
            (Act::Lapsed(Ask { what: What::Resource, op_id, .. }), _) => {
                self.is_out_of_reach = self.removing.remove(&(moment.user, *op_id)).is_some();
            }
            (Act::Refused(Ask { what: What::Resource, op_id, .. }), body) => {
                if let Some(key) = self.removing.remove(&(moment.user, *op_id)) {
                    self.is_out_of_reach = !is_answer(body);
                    self.tried(&key, if self.is_out_of_reach { Removal::Unanswered } else { Removal::Refused });
                }
            }
            (Act::JobBegan, Body::Job { job, client, .. }) => {
                self.findings.judge();
                let what = format!("job {} is still running", cast.display_job(job, client));
                self.jobs.insert((moment.user, job.clone()), (what, Made::new(moment)));
            }
            (Act::JobEnded, Body::Job { job, .. }) => {
                self.jobs.remove(&(moment.user, job.clone()));
            }
            (Act::Answered(Ask { what: What::Update { .. }, conn, .. }), Body::Updated { metadata }) => {
                if metadata::status(metadata) == Some("reserved") {
                    let what = format!("{} is still reserved", event.user);
                    self.reserved.insert((moment.user, *conn), (what, Made::new(moment)));
                } else {
                    self.reserved.remove(&(moment.user, *conn));
                }
            }
            (Act::Closed { .. }, body) => {
                self.reserved.remove(&(moment.user, event.conn));
                if matches!(body, Body::Closed { by: Closer::Fault, .. }) {
                    self.died(moment.user);
                }
            }
            (Act::Fault { fate: HostFate::Down, users }, _) => users.iter().for_each(|user| self.died(*user)),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, end: RunEnd, _: &Cast) -> CheckVerdict {
        let NothingLeft { resources, removing, is_out_of_reach, jobs, reserved, mut findings } = *self;
        let is_out_of_reach = is_out_of_reach || !removing.is_empty();
        let resources = resources.into_iter().map(|((what, id), made)| (format!("{what} {id} is still there"), made));
        for (what, made) in resources.chain(jobs.into_values()).chain(reserved.into_values()) {
            let is_unsaid = made.removal == Removal::Unanswered || made.removal == Removal::Untried && is_out_of_reach;
            if made.is_on_target && is_unsaid {
                findings.doubt(|| format!("{what}, or not: its removal could not be asked for, or was not answered"));
            } else if end.complete {
                findings.broken(Evidence {
                    sentence: format!("{what} at the end ({} since {})", made.by, seconds(made.t_ns)),
                    from_ns: made.t_ns,
                    until_ns: end.t_ns,
                    users: users([&made.by]),
                    events: vec![made.n],
                });
            } else {
                findings.doubt(|| format!("the run did not come to its end: {what} as far as the record goes"));
            }
        }
        findings.verdict(Profile {
            name: NAME,
            property: "nothing is left behind",
            judged_what: "rooms, identities and jobs",
            idle: "the run made no room and no identity, and no job was begun",
        })
    }
}

impl NothingLeft {
    fn resource(&mut self, moment: &Moment<'_>, what: &Name, id: &Name) {
        if moment.event.kind != Kind::Ok {
            return;
        }
        let key = (what.clone(), id.clone());
        if removes(&moment.event.op) {
            self.is_out_of_reach = false;
            self.resources.remove(&key);
        } else if !self.resources.contains_key(&key) {
            self.findings.judge();
            self.resources.insert(key, Made { is_on_target: true, ..Made::new(moment) });
        }
    }

    fn tried(&mut self, key: &(Name, Name), removal: Removal) {
        if let Some(made) = self.resources.get_mut(key) {
            made.removal = removal;
        }
    }

    fn died(&mut self, user: Id) {
        self.jobs.retain(|(worker, _), _| *worker != user);
        self.reserved.retain(|(worker, _), _| *worker != user);
    }
}

impl Made {
    fn new(moment: &Moment<'_>) -> Made {
        let (by, n, t_ns) = (moment.event.user.clone(), moment.event.n, moment.event.t_ns);
        Made { by, n, t_ns, is_on_target: false, removal: Removal::Untried }
    }
}

/// Whether the target itself refused: an HTTP status.
fn is_answer(body: &Body) -> bool {
    match body {
        Body::Error { code, .. } => code.starts_with("http_"),
        Body::Http { .. } => true,
        _ => false,
    }
}

/// `delete_room` and `delete_identity` remove what `create_room` and `sign_in` made.
fn removes(op: &str) -> bool {
    op.starts_with("delete")
}

#[cfg(test)]
mod tests {
    use super::super::history_for_tests::History;
    use super::*;

    #[test]
    fn a_room_that_nobody_deletes_breaks_it() {
        let mut history = History::new();
        history.at(-2.0).made("run", "create_room", "room", "ab12cd34");
        history.at(-1.0).made("workers-0", "sign_in", "identity", "w0");
        history.at(9.0).made("run", "delete_identity", "identity", "w0");
        let evidence = history.broken_under(NAME);
        assert_eq!(evidence.len(), 1);
        assert_eq!(evidence[0].sentence, "room ab12cd34 is still there at the end (run since -2.000 s)");
    }

    fn delete_fails(history: &mut History, id: &str, end: Kind, code: &str) {
        let asked = Body::Resource { what: "room".into(), id: id.into() };
        let error = Body::Error { code: code.into(), message: "".into(), to: None };
        history.does("run", 0, "delete_room", asked, end, error);
    }

    #[test]
    fn what_could_not_be_asked_about_is_unknown() {
        for (end, code) in [(Kind::Failed, "refused"), (Kind::Unknown, "timed_out")] {
            let mut history = History::new();
            history.at(-2.0).made("run", "create_room", "room", "one").made("run", "create_room", "room", "two");
            delete_fails(history.at(9.0), "one", end, code);
            let verdict = history.verdict_under(NAME);
            assert_eq!((verdict.verdict.word(), verdict.violations), ("unknown", 0), "{code}");
        }
        let mut history = History::new();
        history.at(-2.0).made("run", "create_room", "room", "one");
        let asked = Body::Resource { what: "room".into(), id: "one".into() };
        history.at(9.0).asks("delete_room", "run", 0, asked);
        assert_eq!(history.verdict_under(NAME).verdict.word(), "unknown");
    }

    #[test]
    fn only_what_is_known_to_be_there_is_counted() {
        let mut history = History::new();
        for id in ["one", "two", "three"] {
            history.at(-2.0).made("run", "create_room", "room", id);
        }
        delete_fails(history.at(9.0), "one", Kind::Failed, "http_500");
        delete_fails(history.at(9.1), "two", Kind::Unknown, "timed_out");
        history.at(9.2).made("run", "delete_room", "room", "three");
        assert_eq!(history.broken_under(NAME).len(), 1);
        assert!(history.broken_under(NAME)[0].sentence.starts_with("room one is still there"));
    }

    #[test]
    fn a_room_that_is_deleted_is_gone() {
        let mut history = History::new();
        history.at(-2.0).made("run", "create_room", "room", "ab12cd34");
        history.at(9.0).made("run", "delete_room", "room", "ab12cd34");
        assert_eq!(history.holds_under(NAME), 1);
    }

    #[test]
    fn a_job_that_still_runs_at_the_end_breaks_it() {
        let mut history = History::new();
        history.at(1.0).begins("workers-0", "clients-0-j1", "clients-0");
        let evidence = history.at(9.0).broken_under(NAME);
        assert!(evidence[0].sentence.starts_with("job clients-0-j1 is still running"));
    }

    #[test]
    fn a_worker_that_is_still_reserved_breaks_it_and_one_that_left_does_not() {
        let mut history = History::new();
        history.at(0.0).joins("workers-0", 1, "room").joins("workers-1", 1, "room");
        history.at(0.5).begins("workers-0", "j", "c").ends("workers-0", "j", "c");
        history.at(1.0).says_status("workers-0", 1, "reserved").says_status("workers-1", 1, "reserved");
        history.at(2.0).closes("workers-1", 1, Closer::Us);
        let evidence = history.at(9.0).broken_under(NAME);
        assert_eq!(evidence.len(), 1);
        assert!(evidence[0].sentence.starts_with("workers-0 is still reserved"));
    }

    #[test]
    fn a_run_that_was_cut_off_is_not_blamed() {
        let mut history = History::new();
        history.at(-2.0).made("run", "create_room", "room", "ab12cd34");
        history.is_cut_off();
        assert_eq!(history.verdict_under(NAME).verdict.word(), "unknown");
    }
}
