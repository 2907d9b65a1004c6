//! What the users of a run have in common: rooms and identities that were made for them, meeting points, and the phase
//! that the run is in. Shared by `Arc` between all users, also between simulated hosts. Secrets live here and in
//! requests, never in events.

use crate::admission::Admission;
use crate::journal::Resource;
use crate::recorder::PeerNames;
use rehearsal_scenarios::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunPhase {
    /// Rooms and identities are being made; users wait.
    Preparing,
    /// Time 0 has come: users play.
    Playing,
    /// What runs is finished, nothing new begins.
    Settling,
    /// Whoever has nothing left to finish leaves.
    Leaving,
    /// Everybody leaves.
    Ended,
}

/// A room on the target. The token is its password.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomCredentials {
    /// The room's id.
    pub id: String,
    /// The room's token.
    pub token: String,
}

/// An identity on the target.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityCredentials {
    /// The user name that sign-in gave; also the peer id.
    pub username: String,
    /// The identity token.
    pub id_token: Arc<str>,
}

/// What all users of a run share.
#[derive(Default)]
pub struct Commons {
    rooms: Mutex<Vec<RoomCredentials>>,
    identities: Mutex<BTreeMap<u32, IdentityCredentials>>,
    /// Names of all users: the peer ids that they register with.
    peers: Mutex<BTreeSet<String>>,
    /// Identities that lent their token to a user with another name, and what flows made themselves.
    others: Mutex<Vec<(Resource, String)>>,
    /// What is used here and belongs to somebody else: never removed.
    borrowed: Mutex<BTreeSet<(Resource, String)>>,
    /// Rooms that exist, which the run joins in place of making its own.
    existing: Mutex<Vec<RoomCredentials>>,
    /// Names that were given to users who did not sign in themselves.
    names: AtomicU64,
    renewals: Renewals,
    meetings: Mutex<BTreeMap<String, Meeting>>,
    /// Who may begin something new.
    pub admission: Admission,
    /// Names of peers, which all users' events share.
    pub peer_names: Arc<PeerNames>,
    watched: OnceLock<Arc<[String]>>,
    over_ns: OnceLock<i64>,
}

/// One at a time signs in again for those who share an identity; and before each request to sign in everybody waits for its turn.
#[derive(Default)]
struct Renewals {
    under_way: Mutex<BTreeMap<u32, Arc<tokio::sync::Mutex<()>>>>,
    pace: Mutex<Option<Instant>>,
}

struct Meeting {
    arrived: BTreeSet<u32>,
    count: watch::Sender<usize>,
}

impl Commons {
    /// Nothing is made yet.
    pub fn new() -> Self {
        Commons::default()
    }

    /// Nothing new begins from this plan time on; the first time counts.
    pub fn end_at(&self, now_ns: i64) {
        let _ = self.over_ns.set(now_ns);
    }

    /// Since when nothing new begins, where that was said.
    pub fn over_ns(&self) -> Option<i64> {
        self.over_ns.get().copied()
    }

    /// Where the scenario's own checks look into messages.
    pub fn watched(&self, plan: &Plan) -> Arc<[String]> {
        self.watched.get_or_init(|| plan.checks.watched().into()).clone()
    }

    /// Adds the next room of the plan.
    pub fn add_room(&self, room: RoomCredentials) {
        lock(&self.rooms).push(room);
    }

    /// The room with this index in the plan, once it is made.
    pub fn room(&self, index: u32) -> Option<RoomCredentials> {
        lock(&self.rooms).get(index as usize).cloned()
    }

    /// Keeps something that was made besides the rooms and identities of the plan, so that it is removed at the end.
    pub fn add_other(&self, what: Resource, id: String) {
        lock(&self.others).push((what, id));
    }

    fn others(&self, wanted: Resource) -> Vec<String> {
        lock(&self.others).iter().filter(|(what, _)| *what == wanted).map(|(_, id)| id.clone()).collect()
    }

    /// Rooms that exist are joined in place of making some; once, before anything is made.
    pub fn join_existing(&self, rooms: Vec<RoomCredentials>) {
        rooms.iter().for_each(|room| self.borrow(Resource::Room, &room.id));
        *lock(&self.existing) = rooms;
    }

    /// The room that exists in place of the one with this index in the plan.
    pub fn existing_room(&self, index: usize) -> Option<RoomCredentials> {
        lock(&self.existing).get(index).cloned()
    }

    /// This belongs to somebody else: it is never removed.
    pub fn borrow(&self, what: Resource, id: &str) {
        lock(&self.borrowed).insert((what, id.to_owned()));
    }

    /// Whether this is to be removed at the end.
    fn is_own(&self, what: Resource, id: &str) -> bool {
        !lock(&self.borrowed).contains(&(what, id.to_owned()))
    }

    /// Ids of all rooms made so far.
    pub fn room_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = lock(&self.rooms).iter().map(|room| room.id.clone()).collect();
        ids.extend(self.others(Resource::Room));
        ids.retain(|id| self.is_own(Resource::Room, id));
        ids
    }

    /// A number for the name of somebody who did not sign in, another one each time.
    pub fn next_name(&self) -> u64 {
        self.names.fetch_add(1, Ordering::Relaxed)
    }

    /// Lends a user the identity of another, under a name of its own.
    pub fn lend_identity(&self, user: u32, holder: &IdentityCredentials) {
        let username = format!("{}-{user}", holder.username);
        self.borrow(Resource::Identity, &username);
        self.add_identity(user, IdentityCredentials { username, id_token: holder.id_token.clone() });
    }

    /// Those who share an identity with this user renew it one at a time.
    pub fn renewal_of(&self, holder: u32) -> Arc<tokio::sync::Mutex<()>> {
        lock(&self.renewals.under_way).entry(holder).or_default().clone()
    }

    /// When the next request to sign in may be sent, so far apart from the one before.
    pub fn turn(&self, gap: Duration) -> Instant {
        let mut pace = lock(&self.renewals.pace);
        let at = pace.unwrap_or_else(Instant::now).max(Instant::now());
        *pace = Some(at + gap);
        at
    }

    /// Keeps a user's identity.
    pub fn add_identity(&self, user: u32, identity: IdentityCredentials) {
        lock(&self.peers).insert(identity.username.clone());
        lock(&self.identities).insert(user, identity);
    }

    /// Whether a peer of this id is a user of this run.
    pub fn is_ours(&self, peer: &str) -> bool {
        lock(&self.peers).contains(peer)
    }

    /// Those of these peers that are somebody else's.
    pub fn strangers_among<'a>(&self, peers: impl Iterator<Item = &'a str>) -> Vec<String> {
        let ours = lock(&self.peers);
        peers.filter(|peer| !ours.contains(*peer)).map(str::to_owned).collect()
    }

    /// A peer belongs to this run though it is no user of its plan.
    pub fn know(&self, peer: &str) {
        lock(&self.peers).insert(peer.to_owned());
    }

    /// A user's identity, if it has signed in; a restarted user finds the one it had.
    pub fn identity(&self, user: u32) -> Option<IdentityCredentials> {
        lock(&self.identities).get(&user).cloned()
    }

    /// A token was not accepted any more and another identity was made: the users keep their names and take the new token.
    pub fn renew_identity(&self, users: impl IntoIterator<Item = u32>, made: &IdentityCredentials) {
        let mut identities = lock(&self.identities);
        self.add_other(Resource::Identity, made.username.clone());
        for user in users {
            if let Some(known) = identities.get_mut(&user) {
                known.id_token.clone_from(&made.id_token);
            }
        }
    }

    /// User names of all identities made so far.
    pub fn usernames(&self) -> Vec<String> {
        let mut names: Vec<String> = lock(&self.identities).values().map(|known| known.username.clone()).collect();
        names.extend(self.others(Resource::Identity));
        names.retain(|name| self.is_own(Resource::Identity, name));
        names
    }

    /// A room or an identity is removed from the target: nobody needs to remove it again.
    pub fn removed(&self, what: Resource, id: &str) {
        match what {
            Resource::Room => lock(&self.rooms).retain(|room| room.id != id),
            Resource::Identity => lock(&self.identities).retain(|_, identity| identity.username != id),
        }
        lock(&self.others).retain(|other| (other.0, other.1.as_str()) != (what, id));
    }

    /// Waits until `count` different users are at this point. The caller bounds the time: who gives up is there no longer.
    pub async fn meet(&self, point: &str, user: u32, count: u32) {
        let mut arrivals = self.arrive(point, user);
        let mut leaving = Leaving { commons: self, point, user, has_met: false };
        // The sender lives as long as the commons, which outlives this call: waiting cannot fail.
        let _ = arrivals.wait_for(|arrived| *arrived >= count as usize).await;
        leaving.has_met = true;
    }

    fn arrive(&self, point: &str, user: u32) -> watch::Receiver<usize> {
        let mut meetings = lock(&self.meetings);
        let meeting = meetings
            .entry(point.to_owned())
            .or_insert_with(|| Meeting { arrived: BTreeSet::new(), count: watch::Sender::new(0) });
        meeting.arrived.insert(user);
        meeting.count.send_replace(meeting.arrived.len());
        meeting.count.subscribe()
    }

    fn leave(&self, point: &str, user: u32) {
        if let Some(meeting) = lock(&self.meetings).get_mut(point) {
            meeting.arrived.remove(&user);
            meeting.count.send_replace(meeting.arrived.len());
        }
    }
}

/// Takes a user that gives up away from the point where it waited. Who has met stays, for those that wake up after it.
struct Leaving<'a> {
    commons: &'a Commons,
    point: &'a str,
    user: u32,
    has_met: bool,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if !self.has_met {
            self.commons.leave(self.point, self.user);
        }
    }
}

/// A panic of one user must not spread to the others, so a poisoned lock is used as it is: every critical section here is
/// a single insertion or look-up.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_user_that_comes_twice_counts_once() {
        let commons = Commons::new();
        commons.arrive("here", 1);
        let alone = tokio::time::timeout(Duration::from_secs(1), commons.meet("here", 1, 2)).await;
        assert!(alone.is_err());
        tokio::join!(commons.meet("here", 1, 2), commons.meet("here", 2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_is_there_no_longer_and_who_has_met_stays() {
        let commons = Commons::new();
        let within = |user| tokio::time::timeout(Duration::from_secs(1), commons.meet("here", user, 2));
        assert!(within(1).await.is_err());
        assert!(within(2).await.is_err(), "the first has left");
        let (third, fourth) = tokio::join!(within(3), within(4));
        assert!(third.is_ok() && fourth.is_ok());
        assert!(within(5).await.is_ok());
    }

    #[test]
    fn a_user_that_signs_in_again_keeps_its_name_and_both_identities_are_removed_in_the_end() {
        let identity =
            |username: &str, token: &str| IdentityCredentials { username: username.into(), id_token: token.into() };
        let commons = Commons::new();
        commons.add_identity(1, identity("ada", "first"));
        commons.renew_identity([1], &identity("bob", "second"));
        assert!(commons.identity(1) == Some(identity("ada", "second")));
        assert_eq!(commons.usernames(), ["ada", "bob"]);
        commons.removed(Resource::Identity, "bob");
        assert_eq!(commons.usernames(), ["ada"]);
    }

    #[test]
    fn what_belongs_to_others_is_used_and_never_removed() {
        let commons = Commons::new();
        let room = |id: &str| RoomCredentials { id: id.into(), token: "t".into() };
        commons.join_existing(vec![room("theirs")]);
        commons.add_room(commons.existing_room(0).unwrap());
        commons.add_room(room("ours"));
        assert_eq!(commons.room_ids(), ["ours"]);
        commons.add_identity(1, IdentityCredentials { username: "ada".into(), id_token: "first".into() });
        let ada = commons.identity(1).unwrap();
        commons.lend_identity(2, &ada);
        assert!(
            commons.identity(2) == Some(IdentityCredentials { username: "ada-2".into(), id_token: "first".into() })
        );
        assert_eq!(commons.usernames(), ["ada"]);
    }
}
