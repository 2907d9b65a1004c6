//! Which users have come to an end, where faults end the lives of some and begin further ones. Neighbours: the hosts of
//! either world, which play users.

use rehearsal_scenarios::plan::{Behaviour, UserPlan};
use std::collections::BTreeSet;

/// Who has come to an end. Users are named by their numbers.
#[derive(Debug, Default)]
pub struct Lives {
    /// They have done all they wanted, or have come to the end of the run.
    ended: BTreeSet<u32>,
    /// They were told to stop, and have.
    left: BTreeSet<u32>,
}

impl Lives {
    /// Its host starts, for the nth time from 0: which life the user begins now, or none if it has done all it wanted.
    pub fn begin(&mut self, user: &UserPlan, incarnation: u32, now_ns: i64) -> Option<u32> {
        if !matches!(user.behaviour, Behaviour::Worker(_)) && self.ended.contains(&user.number) {
            return None;
        }
        self.ended.remove(&user.number);
        self.left.remove(&user.number);
        // A host that dies before its user's time has come has interrupted no life.
        let has_begun = now_ns >= i64::try_from(user.start_ns).unwrap_or(i64::MAX);
        Some(if has_begun { incarnation } else { 0 })
    }

    /// A user's life has come to its end. Who was told to stop may have wanted more, and goes on when its host starts again.
    pub fn end(&mut self, user: u32, was_told_to_stop: bool) {
        match was_told_to_stop {
            true => self.left.insert(user),
            false => self.ended.insert(user),
        };
    }

    /// Whether the user wants nothing more.
    pub fn has_ended(&self, user: u32) -> bool {
        self.ended.contains(&user)
    }

    /// Whether the user runs no more since it was told to stop.
    pub fn has_left(&self, user: u32) -> bool {
        self.left.contains(&user) || self.ended.contains(&user)
    }
}
