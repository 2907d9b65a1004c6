//! A connection that comes back: connects, registers, and after a loss does both again with back-off. A silent connection
//! is probed with a ping and given up, since an end that never sends cannot see a cut.
//!
//! Neighbours: `worker` and `client` drive one in their loops; `joining` and `signing_in` do the work.

use super::Peer;
use super::asking::Credentials;
use super::joining::{Cause, JoinError, Joining, Refused, join, may_pass};
use super::signing_in::{SigningIn, SignsIn};
use crate::alarm::{Alarm, Wait};
use crate::backoff::BackOff;
use crate::failure::Failure;
use crate::http_client::SignIn;
use crate::network::Network;
use crate::observer::{ConnectionEnd, Observer};
use crate::protocol::Metadata;
use crate::rooms::close_code;
use crate::surroundings::Surroundings;
use crate::target::Target;
use crate::user::Knows;
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Servers ping every 20 s: after more silence than that the link asks by itself.
const PROBE_AFTER: Duration = Duration::from_secs(25);
/// Silence after which the connection is given up: the probe went unanswered for as long as a server waits for a pong.
const GIVE_UP_AFTER: Duration = Duration::from_secs(45);
/// Refused registrations in a row after which there is no point in trying again.
const REFUSALS_MAX: u32 = 5;
const BACK_OFF_FIRST: Duration = Duration::from_millis(250);
const BACK_OFF_LONGEST: Duration = Duration::from_secs(10);

/// What happens on a link.
#[derive(Debug)]
pub enum LinkEvent {
    /// Connected and registered.
    Joined,
    /// A message came.
    Message(Value),
    /// The connection is lost; the link is about to come back.
    Lost(ConnectionEnd),
}

/// Why a link does not come back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The server refused the registration several times in a row.
    #[error("registration refused: {code}: {message}")]
    Refused {
        /// The wire code; may be empty.
        code: String,
        /// In words.
        message: String,
    },
    /// The room is gone, or its password is another one. Trying again does not help.
    #[error("the room cannot be joined: {code}: {message}")]
    Room {
        /// The wire code.
        code: String,
        /// In words.
        message: String,
    },
    /// The identity token was not accepted any more, and the server gives no other.
    #[error("signing in again failed: {0}")]
    SignIn(Failure),
    /// Somebody else registered under the same id.
    #[error("another connection registered as the same peer")]
    Replaced,
}

/// How a peer is known in its room; what a link needs to register again and again.
#[derive(Clone)]
pub struct LinkOptions {
    /// Where to.
    pub target: Arc<Target>,
    /// As whom.
    pub credentials: Arc<Credentials>,
    /// Gets another identity token when the one that it has is not accepted any more.
    pub signs_in: SignsIn,
    /// `worker`, `client`, `peer`.
    pub role: String,
    /// Number of the first connection, 1 unless the same user was connected before.
    pub first_conn: u32,
    /// Whom messages may go to; to anybody if absent.
    pub knows: Option<Knows>,
    /// When it may connect; at once if absent.
    pub may_join: Option<MayJoin>,
}

/// A wait for the leave to connect.
type Leave = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Gives the leave to connect, each time that a link is about to: after a wait, or at once.
pub type MayJoin = Arc<dyn Fn() -> Option<Leave> + Send + Sync>;

/// A connection that comes back.
pub struct Link<N: Network> {
    options: LinkOptions,
    network: N,
    surroundings: Surroundings,
    observer: Arc<dyn Observer>,
    state: State<N>,
    next_conn: u32,
    back_off: BackOff,
    refusals: u32,
}

enum State<N: Network> {
    /// Until this time of the host.
    Waiting {
        until: Duration,
        then: Then,
    },
    SigningIn(SigningIn),
    AtTheDoor(Leave),
    Joining(Joining<N>),
    Joined {
        peer: Box<Peer<N>>,
        probed: bool,
        quiet: Alarm<Duration>,
    },
}

/// What follows a pause.
#[derive(Clone, Copy)]
enum Then {
    SignIn,
    Join,
}

impl<N: Network> Link<N> {
    /// A link that connects as soon as it is polled.
    pub fn new(options: LinkOptions, network: N, surroundings: Surroundings, observer: Arc<dyn Observer>) -> Link<N> {
        let next_conn = options.first_conn;
        let state = State::Waiting { until: surroundings.timers.now(), then: Then::Join };
        let back_off = BackOff::new(BACK_OFF_FIRST, BACK_OFF_LONGEST);
        Link { options, network, surroundings, observer, state, next_conn, back_off, refusals: 0 }
    }

    /// The next thing that happens. `metadata` is asked for when a registration starts. Safe to cancel.
    pub async fn next(&mut self, mut metadata: impl FnMut() -> Metadata) -> Result<LinkEvent, LinkError> {
        loop {
            match &mut self.state {
                State::Waiting { until, then } => {
                    let (until, then) = (*until, *then);
                    self.surroundings.timers.sleep_until(until).await;
                    self.state = match then {
                        Then::SignIn => State::SigningIn((self.options.signs_in)()),
                        Then::Join => match self.options.may_join.as_ref().and_then(|may_join| may_join()) {
                            Some(leave) => State::AtTheDoor(leave),
                            None => State::Joining(self.join(metadata())),
                        },
                    };
                }
                State::AtTheDoor(leave) => {
                    leave.await;
                    self.state = State::Joining(self.join(metadata()));
                }
                State::SigningIn(signing_in) => match signing_in.await {
                    Ok(signed_in) => {
                        self.take_token(signed_in);
                        self.state = State::Joining(self.join(metadata()));
                    }
                    Err(failure) if may_pass(&failure) => self.wait(Then::SignIn),
                    Err(failure) => return Err(LinkError::SignIn(failure)),
                },
                State::Joining(joining) => match joining.await {
                    Ok(peer) => {
                        self.back_off.reset();
                        self.refusals = 0;
                        self.state = State::Joined { peer: Box::new(peer), probed: false, quiet: Alarm::default() };
                        return Ok(LinkEvent::Joined);
                    }
                    Err(error) => self.not_joined(error)?,
                },
                State::Joined { peer, probed, quiet } => {
                    let patience = if *probed { GIVE_UP_AFTER } else { PROBE_AFTER };
                    let quiet_until = peer.heard_at().saturating_add(patience);
                    let timers = &self.surroundings.timers;
                    let wait = |at| -> Wait {
                        let timers = timers.clone();
                        Box::pin(async move { timers.sleep_until(at).await })
                    };
                    tokio::select! {
                        biased;
                        message = peer.receive() => match message {
                            Ok(message) => {
                                *probed = false;
                                return Ok(LinkEvent::Message(message));
                            }
                            Err(end) => return self.lost(end),
                        },
                        () = quiet.until(quiet_until, wait) => {}
                    }
                    if let Some(event) = self.probe().await {
                        return Ok(event);
                    }
                }
            }
        }
    }

    /// What its host hands to it.
    pub(crate) fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// Whether it is registered at the moment.
    pub fn is_joined(&self) -> bool {
        matches!(self.state, State::Joined { .. })
    }

    /// Sends, if it is registered at the moment and the receiver may be sent to. A failure shows as the next event.
    pub async fn send(&mut self, message: &Value) {
        let to = message.get("to_peer_id").and_then(Value::as_str);
        if to.zip(self.options.knows.as_ref()).is_some_and(|(to, knows)| !knows(to)) {
            return;
        }
        if let State::Joined { peer, .. } = &mut self.state {
            // The end is kept by the peer, whose next read tells it.
            let _ = peer.send(message).await;
        }
    }

    /// Ends it at once, without a word: for a server that does not read any more.
    pub fn abort(self) {
        if let State::Joined { peer, .. } = self.state {
            peer.abort();
        }
    }

    /// Closes cleanly.
    pub async fn close(self) {
        if let State::Joined { peer, .. } = self.state {
            peer.close().await;
        }
    }

    fn join(&mut self, metadata: Metadata) -> Joining<N> {
        let conn = self.next_conn;
        self.next_conn += 1;
        join(&self.options, conn, metadata, self.network.clone(), &self.surroundings, self.observer.clone())
    }

    /// Another proof of identity under the same peer id: others know it by that.
    fn take_token(&mut self, signed_in: SignIn) {
        let known = (*self.options.credentials).clone();
        self.options.credentials = Arc::new(Credentials { id_token: signed_in.id_token, ..known });
    }

    fn not_joined(&mut self, error: JoinError) -> Result<(), LinkError> {
        match error {
            JoinError::Failed => {
                self.refusals = 0;
                self.wait(Then::Join);
                Ok(())
            }
            JoinError::Refused(refused) => self.refused(refused),
        }
    }

    fn refused(&mut self, refused: Refused) -> Result<(), LinkError> {
        self.refusals += 1;
        match refused.cause() {
            Cause::Room => return Err(refused.into_error()),
            _ if self.refusals >= REFUSALS_MAX => return Err(refused.into_error()),
            Cause::Identity => self.wait(Then::SignIn),
            Cause::Other => self.wait(Then::Join),
        }
        Ok(())
    }

    fn lost(&mut self, end: ConnectionEnd) -> Result<LinkEvent, LinkError> {
        self.wait(Then::Join);
        if end.code == Some(close_code::REPLACED) { Err(LinkError::Replaced) } else { Ok(LinkEvent::Lost(end)) }
    }

    fn wait(&mut self, then: Then) {
        self.state = self.waiting(then);
    }

    fn waiting(&mut self, then: Then) -> State<N> {
        let pause = self.back_off.pause(&*self.surroundings.random);
        State::Waiting { until: self.surroundings.timers.now().saturating_add(pause), then }
    }

    /// The other side was silent for long: asks whether it is there, and the second time gives up.
    async fn probe(&mut self) -> Option<LinkEvent> {
        let State::Joined { peer, probed, .. } = &mut self.state else { return None };
        if self.surroundings.timers.now().saturating_sub(peer.heard_at()) < PROBE_AFTER {
            // It was heard since the wait began; pings and pongs do not show as messages.
            *probed = false;
            return None;
        }
        if !*probed {
            *probed = true;
            let _ = peer.ping().await;
            return None;
        }
        let waiting = self.waiting(Then::Join);
        let State::Joined { peer, .. } = std::mem::replace(&mut self.state, waiting) else { return None };
        Some(LinkEvent::Lost(peer.give_up()))
    }
}
