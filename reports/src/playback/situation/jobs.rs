//! How far jobs have come, and what workers run: from what clients and workers say to each other, and from what they begin
//! and end. A job is told until nobody waits for it and nobody runs it.

use super::board::Board;
use super::{Section, Tone};
use crate::event::{Body, Event, JobMessage, Kind, Name};
use crate::playback::lanes::Stage;
use crate::story::Directory;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Jobs {
    open: BTreeMap<Name, Job>,
    /// Attempt of a client -> its job.
    attempts: BTreeMap<(Name, u64), Name>,
    workers: BTreeMap<Name, Worker>,
}

#[derive(Default)]
struct Job {
    shown: String,
    client: Name,
    is_wanted: bool,
    asked: Vec<Name>,
    refused: Vec<Name>,
    accepted: Vec<Name>,
    assigned: Vec<Name>,
    runs_at: Vec<Name>,
}

#[derive(Default)]
struct Worker {
    /// The status that counts, and over which connection it was said: it goes with it.
    says: Option<(Name, u32)>,
    /// Changes that were asked for and not answered: operation -> status.
    asked: BTreeMap<u64, Name>,
    runs: Vec<(Name, String)>,
}

impl Jobs {
    pub(super) fn observe(&mut self, event: &Event, stage: &Stage, directory: &Directory, board: &mut Board) {
        match (&event.body, event.kind) {
            (Body::Attempt { job, .. }, Kind::Invoked) => self.wanted(event, job, directory),
            (Body::Message { to, job: Some(message), .. }, Kind::Sent) => {
                self.said(&event.user, &directory.user(to), message, directory);
            }
            (Body::Job { job, client, .. }, Kind::Began | Kind::Ended) => self.ran(event, job, client, directory),
            _ => {}
        }
        let given_up = self.attempt_ended(event);
        if stage.lane(&event.user).is_some() {
            self.says(event, board);
        }
        for job in crate::story::job_of(event).cloned().into_iter().chain(given_up) {
            self.tell(&job, stage, board);
        }
    }

    /// The job whose attempt this event ends.
    fn attempt_ended(&mut self, event: &Event) -> Option<Name> {
        if !matches!(event.kind, Kind::Ok | Kind::Failed | Kind::Unknown) {
            return None;
        }
        let job = self.attempts.remove(&(event.user.clone(), event.op_id?))?;
        self.open.get_mut(&job)?.is_wanted = false;
        Some(job)
    }

    fn wanted(&mut self, event: &Event, job: &Name, directory: &Directory) {
        let open = self.open.entry(job.clone()).or_default();
        (open.client, open.is_wanted) = (event.user.clone(), true);
        open.shown = directory.job_of(job, &event.user);
        if let Some(op_id) = event.op_id {
            self.attempts.insert((event.user.clone(), op_id), job.clone());
        }
    }

    fn said(&mut self, from: &Name, to: &Name, message: &JobMessage, directory: &Directory) {
        let Some(job) = &message.job else { return };
        if &*message.says == "job_request" {
            let open = self.open.entry(job.clone()).or_default();
            if open.client.is_empty() {
                (open.client, open.shown) = (from.clone(), directory.job_of(job, from));
            }
        }
        let Some(open) = self.open.get_mut(job) else { return };
        match (&*message.says, message.accepted) {
            ("job_request", _) => note(&mut open.asked, to),
            ("job_response", Some(true)) => note(&mut open.accepted, from),
            ("job_response", _) => note(&mut open.refused, from),
            ("job_assignment", _) => note(&mut open.assigned, to),
            _ => {}
        }
    }

    fn ran(&mut self, event: &Event, job: &Name, client: &Name, directory: &Directory) {
        let worker = self.workers.entry(event.user.clone()).or_default();
        let open = self.open.entry(job.clone()).or_default();
        if open.client.is_empty() {
            (open.client, open.shown) = (directory.user(client), directory.job(job, client));
        }
        if event.kind == Kind::Began {
            worker.runs.push((job.clone(), open.shown.clone()));
            open.runs_at.push(event.user.clone());
        } else {
            remove_one(&mut worker.runs, |(it, _)| it == job);
            remove_one(&mut open.runs_at, |it| *it == event.user);
        }
    }

    /// What a user says of itself: with a registration, or with an update, which counts once it is acknowledged.
    fn says(&mut self, event: &Event, board: &mut Board) {
        let status = |metadata: &serde_json::Value| {
            metadata.pointer("/properties/status").and_then(serde_json::Value::as_str).map(Name::from)
        };
        let user = &event.user;
        match (&event.body, event.kind, event.op_id) {
            (Body::Register { metadata, role, .. }, Kind::Invoked, Some(op_id)) => {
                let said = status(metadata);
                if &**role == "worker" || said.is_some() {
                    let worker = self.workers.entry(user.clone()).or_default();
                    worker.asked.extend(said.map(|said| (op_id, said)));
                }
            }
            (Body::Update { metadata }, Kind::Invoked, Some(op_id)) => {
                if let Some(said) = status(metadata) {
                    self.workers.entry(user.clone()).or_default().asked.insert(op_id, said);
                }
            }
            (_, Kind::Ok | Kind::Failed | Kind::Unknown, Some(op_id)) => {
                if let Some(worker) = self.workers.get_mut(user)
                    && let Some(said) = worker.asked.remove(&op_id)
                    && event.kind == Kind::Ok
                {
                    worker.says = Some((said, event.conn));
                }
            }
            (Body::Closed { .. }, _, _) => {
                if let Some(worker) = self.workers.get_mut(user) {
                    worker.says = worker.says.take().filter(|(_, conn)| *conn != event.conn);
                }
            }
            _ => {}
        }
        if let Some(worker) = self.workers.get(user) {
            let (text, tone) = worker.words();
            board.set(Section::Workers, user, text, tone);
        }
    }

    /// Tells of a job, if it concerns anybody who is shown.
    fn tell(&mut self, job: &Name, stage: &Stage, board: &mut Board) {
        let Some(open) = self.open.get(job) else { return };
        let concerned = [&open.asked, &open.accepted, &open.runs_at].into_iter().flatten().chain([&open.client]);
        let is_shown = concerned.into_iter().any(|user| stage.lane(user).is_some());
        if is_shown && !open.is_over() {
            let tone = if open.runs_at.len() > 1 { Tone::Bad } else { Tone::Plain };
            board.set(Section::Jobs, &open.shown, open.words(), tone);
        } else if is_shown {
            board.clear(Section::Jobs, &open.shown);
        }
        if open.is_over() {
            self.open.remove(job);
        }
    }
}

impl Job {
    fn is_over(&self) -> bool {
        !self.is_wanted && self.runs_at.is_empty()
    }

    fn words(&self) -> String {
        let mut words = Vec::new();
        let mut add = |what: &str, who: &[Name]| {
            if !who.is_empty() {
                words.push(format!("{what} {}", who.join(", ")));
            }
        };
        match (self.runs_at.is_empty(), self.assigned.is_empty(), self.accepted.is_empty()) {
            (false, ..) => add("runs at", &self.runs_at),
            (_, false, _) => add("assigned to", &self.assigned),
            (.., false) => add("accepted by", &self.accepted),
            _ => {
                add("asked of", &self.asked);
                add("refused by", &self.refused);
            }
        }
        match words.is_empty() {
            true => format!("wanted by {}", self.client),
            false => words.join(", "),
        }
    }
}

impl Worker {
    fn words(&self) -> (String, Tone) {
        let says = self.says.as_ref().map(|(says, _)| format!("says “{says}”"));
        let asked = self.asked.values().next_back().map(|asked| format!("has asked for “{asked}”"));
        let jobs: Vec<&str> = self.runs.iter().map(|(_, shown)| &**shown).collect();
        let runs = match jobs.as_slice() {
            [] => "runs nothing".to_owned(),
            [job] => format!("runs {job}"),
            jobs => format!("runs {} jobs at once: {}", jobs.len(), jobs.join(", ")),
        };
        let words: Vec<String> = says.into_iter().chain(asked).chain([runs]).collect();
        (words.join(", "), if jobs.len() > 1 { Tone::Bad } else { Tone::Plain })
    }
}

fn note(who: &mut Vec<Name>, user: &Name) {
    if !who.contains(user) {
        who.push(user.clone());
    }
}

fn remove_one<T>(list: &mut Vec<T>, is_it: impl Fn(&T) -> bool) {
    if let Some(index) = list.iter().position(is_it) {
        list.remove(index);
    }
}
