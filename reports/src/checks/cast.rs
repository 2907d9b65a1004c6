//! The cast: who plays, over which connections, registered as whom and in which room, what is being asked right now, and
//! which faults lie over whom. Folded once from the events and lent to every check, so that none of them keeps its own idea of
//! who is there. Neighbours: `names` (names as numbers), `moment` (what one event means), `faults` (their spans).
//!
//! Left out: judgement. The cast believes the events and never says that something is wrong.

use super::faults::{Faults, HostFate};
use super::moment::{Act, Ask, Moment, What};
use super::names::{Id, Names};
use crate::event::{Body, Closer, Event, Kind, Name};
use crate::few;

/// Closed connections are remembered for as long as a check may still ask about them: longer than a deployed server keeps
/// a silent peer (50 s), and than messages stay in flight.
const CLOSED_LINKS_KEPT_NS: i64 = 180_000_000_000;

/// How many of a peer's registrations are remembered, newest last.
const REGISTRATIONS_KEPT: usize = 16;

/// A user's connection.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its number within the user.
    pub conn: u32,
    /// When it was opened.
    pub opened_ns: i64,
    /// As whom it is registered, or asks to be.
    pub standing: Option<Standing>,
    /// The acknowledged registration before that, which counts again if this one is refused.
    pub before: Option<Standing>,
    /// How it ended.
    pub closed: Option<Closing>,
    /// When something last arrived over it.
    pub received_ns: i64,
    /// When the newest operation was invoked that was answered over it: the server knew the connection then.
    pub proven_ns: i64,
}

/// A registration over one connection.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The peer id.
    pub peer: Id,
    /// The room.
    pub room: Id,
    /// When it was asked for.
    pub asked_ns: i64,
    /// The event that acknowledged it; absent while open, or for ever if the answer never came.
    pub acknowledged_n: Option<u64>,
}

/// The end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// The event.
    pub n: u64,
    /// When.
    pub t_ns: i64,
    /// Who ended it.
    pub by: Closer,
}

/// What is known about one name: as a user, and as a peer.
#[derive(Default)]
struct Entry {
    links: Vec<Link>,
    asks: Vec<Ask>,
    rooms: Vec<Id>,
    registered_by: Vec<(Id, u32)>,
}

/// Everybody who plays.
#[derive(Default)]
pub struct Cast {
    names: Names,
    entries: Vec<Entry>,
    faults: Faults,
}

impl Cast {
    /// An empty stage.
    pub fn new() -> Self {
        Cast::default()
    }

    /// Takes the next event into account and says what it means.
    pub fn observe<'e>(&mut self, event: &'e Event) -> Moment<'e> {
        let user = self.id(&event.user);
        let act = match event.kind {
            Kind::Invoked => self.invoked(user, event),
            Kind::Ok | Kind::Failed | Kind::Unknown => self.ended(user, event),
            Kind::Sent | Kind::Received => self.message(user, event),
            Kind::Opened => self.opened(user, event),
            Kind::Closed => self.closed(user, event),
            Kind::Began => job_act(event, Act::JobBegan),
            Kind::Ended => job_act(event, Act::JobEnded),
            Kind::Fault => self.fault(event),
        };
        Moment { event, user, act }
    }

    /// The number of a name.
    pub fn id(&mut self, name: &Name) -> Id {
        let id = self.names.id(name);
        if id.index() >= self.entries.len() {
            self.entries.resize_with(self.names.count(), Entry::default);
        }
        id
    }

    /// The number of a name, if it was seen.
    pub fn known(&self, name: &str) -> Option<Id> {
        self.names.known(name)
    }

    /// The name behind a number.
    pub fn name(&self, id: Id) -> &Name {
        self.names.name(id)
    }

    /// A user's connection, also for a while after its end.
    pub fn link(&self, user: Id, conn: u32) -> Option<&Link> {
        self.entries[user.index()].links.iter().rev().find(|link| link.conn == conn)
    }

    /// A user's connections, oldest first.
    pub fn links(&self, user: Id) -> impl Iterator<Item = &Link> {
        self.entries[user.index()].links.iter()
    }

    /// The registration over a user's connection.
    pub fn standing(&self, user: Id, conn: u32) -> Option<Standing> {
        self.link(user, conn)?.standing
    }

    /// The connections that are, or lately were, registered as this peer: user and link.
    pub fn links_of_peer(&self, peer: Id) -> impl Iterator<Item = (Id, &Link)> {
        self.entries[peer.index()]
            .registered_by
            .iter()
            .filter_map(move |(user, conn)| Some((*user, self.link(*user, *conn)?)))
            .filter(move |(_, link)| link.standing.is_some_and(|standing| standing.peer == peer))
    }

    /// Whether anybody ever asked to be registered as this peer.
    pub fn is_peer(&self, peer: Id) -> bool {
        !self.entries[peer.index()].rooms.is_empty()
    }

    /// Whether anybody ever asked to be registered as this peer in this room.
    pub fn was_in_room(&self, peer: Id, room: Id) -> bool {
        self.entries[peer.index()].rooms.contains(&room)
    }

    /// The rooms that this peer was ever registered in.
    pub fn rooms_of(&self, peer: Id) -> &[Id] {
        &self.entries[peer.index()].rooms
    }

    /// What a user has asked for and not been answered, oldest first.
    pub fn open_asks(&self, user: Id) -> &[Ask] {
        &self.entries[user.index()].asks
    }

    /// What anybody has asked for and not been answered.
    pub fn all_open_asks(&self) -> impl Iterator<Item = &Ask> {
        self.entries.iter().flat_map(|entry| &entry.asks)
    }

    /// Whether a fault lay over this user, or over a server, at any time between the two.
    pub fn is_troubled(&self, user: Id, from_ns: i64, until_ns: i64) -> bool {
        self.faults.lay_over(user, from_ns, until_ns)
    }

    /// For how long of the time between the two this user's process was held, and could do nothing.
    pub fn held_ns(&self, user: Id, from_ns: i64, until_ns: i64) -> i64 {
        self.faults.held_ns(user, from_ns, until_ns)
    }

    /// Whether a fault may have ended this connection at the server without its user knowing: nothing that was asked after
    /// the fault has been answered yet.
    pub fn is_in_doubt(&self, user: Id, link: &Link, now_ns: i64) -> bool {
        self.faults.lay_over(user, link.proven_ns.max(link.opened_ns), now_ns)
    }

    /// A peer's name as a reader knows it: the user that registered as it, else the peer id.
    pub fn display(&self, peer: Id) -> &Name {
        match self.entries[peer.index()].registered_by.last() {
            Some((user, _)) => self.names.name(*user),
            None => self.names.name(peer),
        }
    }

    /// A job id as a reader knows it: clients build it from their peer id, which says little where that is a UUID.
    pub fn display_job(&self, job: &str, client: &str) -> String {
        let user = self.known(client).map(|client| self.display(client));
        match (user, job.strip_prefix(client)) {
            (Some(user), Some(rest)) if !client.is_empty() => format!("{user}{rest}"),
            _ => job.to_owned(),
        }
    }

    fn invoked(&mut self, user: Id, event: &Event) -> Act {
        let what = match &event.body {
            Body::Register { peer, room, role, metadata } => {
                let (peer, room) = (self.id(peer), self.id(room));
                self.register(user, event, peer, room);
                What::Register { peer, room, role: role.clone(), metadata: metadata.clone() }
            }
            Body::Discover { filters } => What::Discover { filters: filters.clone() },
            Body::Update { metadata } => What::Update { metadata: metadata.clone() },
            Body::Reserve { worker, duration_sec } => {
                What::Reserve { worker: self.id(worker), duration_ns: duration_sec.nanos() }
            }
            Body::Resource { .. } => What::Resource,
            _ => return Act::Other,
        };
        let Some(op_id) = event.op_id else { return Act::Other };
        let ask = Ask { op_id, conn: event.conn, n: event.n, t_ns: event.t_ns, what };
        few::push(&mut self.entries[user.index()].asks, ask.clone());
        Act::Asked(ask)
    }

    fn register(&mut self, user: Id, event: &Event, peer: Id, room: Id) {
        let standing = Standing { peer, room, asked_ns: event.t_ns, acknowledged_n: None };
        let link = self.link_or_new(user, event);
        if let Some(before) = link.standing.replace(standing).filter(|before| before.acknowledged_n.is_some()) {
            link.before = Some(before);
        }
        let entry = &mut self.entries[peer.index()];
        if !entry.rooms.contains(&room) {
            few::push(&mut entry.rooms, room);
        }
        let by = (user, event.conn);
        entry.registered_by.retain(|earlier| *earlier != by);
        if entry.registered_by.len() >= REGISTRATIONS_KEPT {
            entry.registered_by.remove(0);
        }
        few::push(&mut entry.registered_by, by);
    }

    fn ended(&mut self, user: Id, event: &Event) -> Act {
        let asks = &mut self.entries[user.index()].asks;
        let Some(index) = asks.iter().position(|ask| Some(ask.op_id) == event.op_id) else {
            // A creation may be told without having been invoked: what it made is still there.
            return if matches!(event.body, Body::Resource { .. }) { Act::Resource } else { Act::Other };
        };
        let ask = asks.remove(index);
        if event.kind == Kind::Unknown {
            return Act::Lapsed(ask);
        }
        self.heard(user, event, Some(ask.t_ns));
        if let What::Register { .. } = ask.what
            && let Some(link) = self.link_mut(user, event.conn)
        {
            match (&mut link.standing, event.kind) {
                (Some(standing), Kind::Ok) => standing.acknowledged_n = Some(event.n),
                _ => link.standing = link.before.take(),
            }
        }
        match event.kind {
            Kind::Ok => Act::Answered(ask),
            _ => Act::Refused(ask),
        }
    }

    fn message(&mut self, user: Id, event: &Event) -> Act {
        if event.kind == Kind::Received {
            self.heard(user, event, None);
        }
        match &event.body {
            Body::Message { from, to, .. } => {
                let (from, to) = (self.id(from), self.id(to));
                if event.kind == Kind::Sent { Act::Sent { from, to } } else { Act::Received { from, to } }
            }
            Body::Error { .. } if event.kind == Kind::Received => Act::Complaint,
            _ => Act::Other,
        }
    }

    fn heard(&mut self, user: Id, event: &Event, asked_ns: Option<i64>) {
        if let Some(link) = self.link_mut(user, event.conn) {
            link.received_ns = event.t_ns;
            link.proven_ns = link.proven_ns.max(asked_ns.unwrap_or(i64::MIN));
        }
    }

    fn opened(&mut self, user: Id, event: &Event) -> Act {
        let links = &mut self.entries[user.index()].links;
        let oldest_kept_ns = event.t_ns.saturating_sub(CLOSED_LINKS_KEPT_NS);
        links.retain(|link| link.conn != event.conn && link.closed.is_none_or(|closed| closed.t_ns >= oldest_kept_ns));
        self.link_or_new(user, event);
        Act::Opened
    }

    fn closed(&mut self, user: Id, event: &Event) -> Act {
        let by = if let Body::Closed { by, .. } = &event.body { *by } else { Closer::Network };
        let closing = Closing { n: event.n, t_ns: event.t_ns, by };
        if let Some(link) = self.link_mut(user, event.conn) {
            link.closed.get_or_insert(closing);
        }
        let asks = &mut self.entries[user.index()].asks;
        let lapsed = asks.extract_if(.., |ask| ask.conn == event.conn && ask.conn != 0).collect();
        Act::Closed { lapsed }
    }

    fn fault(&mut self, event: &Event) -> Act {
        let Body::Fault { name, what, hosts, users } = &event.body else { return Act::Other };
        let users: Vec<Id> = users.iter().map(|user| self.id(user)).collect();
        let fate = self.faults.observe(name, what, hosts, &users, event.t_ns);
        if fate == HostFate::Down {
            for user in &users {
                let entry = &mut self.entries[user.index()];
                entry.asks.clear();
                for link in entry.links.iter_mut().filter(|link| link.closed.is_none()) {
                    link.closed = Some(Closing { n: event.n, t_ns: event.t_ns, by: Closer::Fault });
                }
            }
        }
        Act::Fault { fate, users }
    }

    fn link_mut(&mut self, user: Id, conn: u32) -> Option<&mut Link> {
        self.entries[user.index()].links.iter_mut().rev().find(|link| link.conn == conn)
    }

    /// The event's connection; a record may begin after it was opened.
    fn link_or_new(&mut self, user: Id, event: &Event) -> &mut Link {
        let links = &mut self.entries[user.index()].links;
        let index = links.iter().rposition(|link| link.conn == event.conn).unwrap_or_else(|| {
            let link = Link {
                conn: event.conn,
                opened_ns: event.t_ns,
                standing: None,
                before: None,
                closed: None,
                received_ns: i64::MIN,
                proven_ns: i64::MIN,
            };
            few::push(links, link);
            links.len() - 1
        });
        &mut links[index]
    }
}

fn job_act(event: &Event, act: Act) -> Act {
    if matches!(event.body, Body::Job { .. }) { act } else { Act::Other }
}
