//! Makes and removes what a run needs on its target: identities and rooms. Each act is an operation in the record and a
//! line in the journal. Neighbours: `prepare` and `cleanup` call it for the whole run, `users::player` for a user that was
//! not prepared.

use crate::commons::{IdentityCredentials, RoomCredentials};
use crate::journal::{Entry, Resource};
use crate::prepare::{holders, turn};
use crate::recorder::{UserRecorder, error};
use crate::target::Target;
use crate::users::UserEnv;
use rehearsal_reference::failure::{Failure, FailureClass};
use rehearsal_reference::http_client::HttpClient;
use rehearsal_reference::network::Network;
use rehearsal_reports::event::{Body, Kind, Name};
use std::sync::Arc;

pub use rehearsal_reports::event::RUN;

/// An HTTP session that makes and removes resources for one user, or for the run.
pub struct Steward<N: Network> {
    env: UserEnv<N>,
    http: HttpClient<N>,
    recorder: Arc<UserRecorder>,
}

impl<N: Network> Steward<N> {
    /// A steward that writes its events through this recorder.
    pub fn new(env: &UserEnv<N>, recorder: Arc<UserRecorder>) -> Self {
        Steward::of_user(env, env.target.clone(), recorder)
    }

    /// The same for a user with a jar of its own.
    pub fn of_user(env: &UserEnv<N>, target: Arc<Target>, recorder: Arc<UserRecorder>) -> Self {
        let http = HttpClient::new(env.network.clone(), target, env.surroundings.clone());
        Steward { env: env.clone(), http, recorder }
    }

    /// The session, for requests that make nothing.
    pub fn http(&mut self) -> &mut HttpClient<N> {
        &mut self.http
    }

    /// A new identity, at the bounded rate; or the token that is handed in, under a name of its own.
    pub async fn sign_in(&mut self) -> Result<IdentityCredentials, Failure> {
        if let Some(tokens) = self.env.tokens.clone() {
            let id_token = tokens.read().await?;
            let username = format!("rehearsal-{}-{}", self.env.run_id, self.env.commons.next_name());
            self.env.commons.borrow(Resource::Identity, &username);
            return Ok(IdentityCredentials { username, id_token: id_token.into() });
        }
        turn(&self.env).await;
        let making = self.begin("sign_in", Resource::Identity);
        let made = self.http.anonymous_signin().await;
        let made = made.map(|made| IdentityCredentials { username: made.username, id_token: made.id_token.into() });
        self.end(making, made, |identity| &identity.username)
    }

    /// Another token for a user whose own is not accepted any more. Of those who share one, the first signs in for all.
    pub async fn renew(&mut self, user: u32, refused: &str) -> Result<IdentityCredentials, Failure> {
        let holders = holders(&self.env.plan);
        let holder = holders.get(&user).copied().unwrap_or(user);
        let renewal = self.env.commons.renewal_of(holder);
        let _mine = renewal.lock().await;
        if let Some(known) = self.env.commons.identity(user).filter(|known| *known.id_token != *refused) {
            return Ok(known);
        }
        let made = self.sign_in().await?;
        let sharing = holders.iter().filter(|(_, held_by)| **held_by == holder).map(|(user, _)| *user);
        self.env.commons.renew_identity(sharing, &made);
        Ok(self.env.commons.identity(user).unwrap_or(made))
    }

    /// A new room, owned by this identity.
    pub async fn create_room(&mut self, owner: &IdentityCredentials) -> Result<RoomCredentials, Failure> {
        let making = self.begin("create_room", Resource::Room);
        let made = self.http.create_room(&owner.id_token).await;
        let made = made.map(|made| RoomCredentials { id: made.room_id, token: made.room_token });
        self.end(making, made, |room| &room.id)
    }

    /// Removes a room or an identity. What is not there any more counts as removed.
    pub async fn remove(&mut self, what: Resource, id: &str) -> Result<(), Failure> {
        let op = Name::from(match what {
            Resource::Room => "delete_room",
            Resource::Identity => "delete_identity",
        });
        let body = Body::Resource { what: what.word().into(), id: id.into() };
        let op_id = self.recorder.invoke(&op, body.clone());
        let removed = match what {
            Resource::Room => self.http.delete_peers_and_room(id).await,
            Resource::Identity => self.http.delete_peer(id).await,
        };
        match &removed {
            Ok(()) => {
                self.env.journal.write(&Entry::Removed { what, id: id.to_owned() });
                self.recorder.end(Kind::Ok, &op, op_id, body);
            }
            Err(failure) => self.recorder.end(kind_of(failure), &op, op_id, error_of(failure)),
        }
        removed
    }

    fn begin(&self, op: &str, what: Resource) -> Making {
        self.env.journal.write(&Entry::Intend { what });
        let op = Name::from(op);
        Making { op_id: self.recorder.invoke(&op, Body::Empty), op, what }
    }

    fn end<T>(&self, making: Making, made: Result<T, Failure>, id: impl Fn(&T) -> &String) -> Result<T, Failure> {
        let Making { op, op_id, what } = making;
        match &made {
            Ok(made) => {
                self.env.journal.write(&Entry::Made { what, id: id(made).clone() });
                let body = Body::Resource { what: what.word().into(), id: id(made).as_str().into() };
                self.recorder.end(Kind::Ok, &op, op_id, body);
            }
            Err(failure) => self.recorder.end(kind_of(failure), &op, op_id, error_of(failure)),
        }
        made
    }
}

struct Making {
    op: Name,
    op_id: u64,
    what: Resource,
}

/// How a request that failed ends: it certainly had no effect if it never left or was refused, else nobody can say.
pub(crate) fn kind_of(failure: &Failure) -> Kind {
    match failure.class {
        FailureClass::Refused | FailureClass::Dns | FailureClass::Tls | FailureClass::Status(_) => Kind::Failed,
        _ => Kind::Unknown,
    }
}

/// The error body of a failure; a status is named by its number.
pub(crate) fn error_of(failure: &Failure) -> Body {
    match failure.class {
        FailureClass::Status(status) => error(&format!("http_{status}"), &failure.reason),
        class => error(class.word(), &failure.reason),
    }
}
