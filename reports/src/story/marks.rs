//! Why a row matters: a few words beside the row that breaks the check, and beside the step that led to it.

use super::rows::Candidate;
use crate::event::Name;
use crate::verdict::Evidence;
use std::collections::BTreeSet;

/// Marks the row that breaks the check; for two jobs at once, the acceptance that led there; and what was acknowledged before
/// another thing was seen.
pub(super) fn mark(check: &str, violation: &Evidence, rows: &mut [Candidate]) {
    if let Some(last) = violation.events.last()
        && let Some(breaking) = rows.iter_mut().find(|it| it.n == *last)
    {
        let is_lost = breaking.row.to.is_some() && breaking.row.arrived_ns.is_none();
        breaking.row.mark = breaking_words(check, is_lost).to_owned();
    }
    if check == "acknowledged_status_is_seen"
        && let [first, _, _] = violation.events[..]
        && let Some(acknowledged) = rows.iter_mut().find(|it| it.n == first)
    {
        acknowledged.row.mark = "this was acknowledged".to_owned();
    }
    if check == "worker_runs_one_job_at_a_time" {
        mark_second_acceptance(rows);
    }
}

fn breaking_words(check: &str, is_lost: bool) -> &'static str {
    match check {
        "worker_runs_one_job_at_a_time" => "second job begins",
        "job_is_begun_by_one_worker" => "begun a second time",
        "acknowledged_status_is_seen" => "not what was acknowledged",
        "room_sees_only_its_own" => "from another room",
        "messages_arrive_once_in_order_unchanged" if is_lost => "lost, and nothing explains it",
        "messages_arrive_once_in_order_unchanged" => "not as it was sent",
        "nobody_speaks_for_another" => "not its sender",
        "reservation_always_ends" => "still reserved",
        "departed_peers_disappear" => "still listed",
        "nothing_is_left_behind" => "left behind",
        _ => "here it breaks",
    }
}

/// A worker that accepts while it owes another client: the promise is the mistake, the second job only its consequence.
fn mark_second_acceptance(rows: &mut [Candidate]) {
    let mut promised: BTreeSet<(Name, Option<Name>)> = BTreeSet::new();
    let mut running: BTreeSet<(Name, Option<Name>)> = BTreeSet::new();
    for candidate in rows {
        let worker = candidate.row.from.clone();
        let key = (worker.clone(), candidate.job.clone());
        let text = candidate.row.text.as_str();
        if text == "job_response accepted" {
            let is_busy = running.iter().any(|(it, _)| *it == worker);
            let owes = promised.iter().any(|(it, _)| *it == worker);
            if is_busy || owes {
                let meanwhile = if is_busy { "busy" } else { "reserved" };
                candidate.row.mark = format!("second acceptance while {meanwhile}");
            }
            promised.insert(key);
        } else if text.starts_with("begins job") {
            promised.remove(&key);
            running.insert(key);
        } else if text.starts_with("ends job") {
            running.remove(&key);
        }
    }
}
