//! The same again and again becomes one row: `connect: refused ×11, until 12.300 s`. Neighbours: `rows`.

use super::rows::{Candidate, Weight};
use crate::event::Name;
use crate::render::units::offset_s;
use std::collections::BTreeMap;

/// So many equal rows of a lane in a row are told as one.
const FOLDED_MIN: usize = 3;

/// Rows with runs of equal ones folded. What the check names stays a row of its own, and so does a message.
pub(super) fn folded(rows: Vec<Candidate>) -> Vec<Candidate> {
    let mut runs: Vec<Vec<Candidate>> = Vec::new();
    // The newest run of each lane: what other lanes do meanwhile does not end it.
    let mut newest: BTreeMap<Name, usize> = BTreeMap::new();
    for row in rows {
        let lane = row.row.from.clone();
        match newest.get(&lane).and_then(|run| runs.get_mut(*run)) {
            Some(run) if run.last().is_some_and(|last| is_the_same(last, &row)) => run.push(row),
            _ => {
                newest.insert(lane, runs.len());
                runs.push(vec![row]);
            }
        }
    }
    let mut rows: Vec<Candidate> = runs.into_iter().flat_map(one_or_all).collect();
    rows.sort_by_key(|it| (it.row.t_ns, it.n));
    rows
}

fn is_the_same(last: &Candidate, row: &Candidate) -> bool {
    let is_plain = |it: &Candidate| it.weight != Weight::Evidence && it.row.to.is_none();
    is_plain(last) && is_plain(row) && last.row.text == row.row.text
}

fn one_or_all(mut run: Vec<Candidate>) -> Vec<Candidate> {
    if run.len() < FOLDED_MIN {
        return run;
    }
    let until = run.last().map_or_else(String::new, |last| offset_s(last.row.t_ns));
    let count = run.len();
    run.truncate(1);
    for first in &mut run {
        first.row.text = format!("{} ×{count}, until {until} s", first.row.text);
    }
    run
}
