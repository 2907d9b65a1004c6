//! `rehearsal worker` and `rehearsal client`: the reference programs on real sockets. What they do is told on stderr.

use super::runtime;
use crate::cli::{Client, Member, Worker};
use crate::exit::{Exit, Failure};
use crate::output;
use rehearsal_loadgen::live::{machine, network::TcpNetwork, tls::Trust, url};
use rehearsal_reference::client::{ClientOptions, ClientProfile, JobsDone, run_client};
use rehearsal_reference::defects::DefectSide;
use rehearsal_reference::http_client::{HttpClient, RoomKey, SignIn};
use rehearsal_reference::observer::{Observed, Observer};
use rehearsal_reference::protocol::job::Requirements;
use rehearsal_reference::protocol::{Object, ServerError, ServerMessage};
use rehearsal_reference::shutdown::Shutdown;
use rehearsal_reference::surroundings::Surroundings;
use rehearsal_reference::user::{User, UserError};
use rehearsal_reference::worker::{
    Strategy, WorkerOptions, WorkerProfile, default_properties, default_tags, run_worker,
};
use serde_json::Value;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::watch;

/// Runs a worker until told to leave.
pub fn worker(arguments: &Worker) -> Result<Exit, Failure> {
    let defects = super::defects_named(&arguments.defects)?;
    if let Some(defect) = defects.iter().find(|defect| defect.side() != DefectSide::Worker) {
        return Err(Failure::usage(format!("{} is a defect of the {}", defect.name(), defect.side()), ""));
    }
    let job = arguments.job;
    let profile = WorkerProfile {
        strategy: strategy(&arguments.member.strategy)?,
        defects,
        tags: if arguments.tags.is_empty() { default_tags() } else { arguments.tags.clone() },
        properties: properties(&arguments.properties)?,
        job_duration: Arc::new(move |_| job),
    };
    let place = Place::of(&arguments.member)?;
    runtime::multi_thread()?.block_on(async {
        let user = place.user().await?;
        let Place { network, surroundings, .. } = place;
        let ended =
            run(|told| run_worker(WorkerOptions { user, profile }, network, surroundings, Arc::new(Teller), told))
                .await?;
        match ended {
            // Being told to leave is how a worker's work ends.
            Ended::ByItself(()) | Ended::Politely => Ok(Exit::Expected),
            Ended::AtOnce => Ok(Exit::Interrupted),
        }
    })
}

/// Runs a client until its jobs are done or it is told to leave.
pub fn client(arguments: &Client) -> Result<Exit, Failure> {
    let profile = ClientProfile {
        strategy: strategy(&arguments.member.strategy)?,
        tags: Vec::new(),
        properties: Object::new(),
        jobs: u64::from(arguments.jobs),
        job_type: "training".to_owned(),
        requirements: Requirements::default(),
        choose: Object::new(),
        ask: 2,
        think: Arc::new(|_| std::time::Duration::ZERO),
        cancel_after: Arc::new(|_| None),
        job_prefix: None,
        knows: None,
    };
    let place = Place::of(&arguments.member)?;
    runtime::multi_thread()?.block_on(async {
        let user = place.user().await?;
        let Place { network, surroundings, .. } = place;
        let ended =
            run(|told| run_client(ClientOptions { user, profile }, network, surroundings, Arc::new(Teller), told))
                .await?;
        match ended {
            Ended::ByItself(jobs) if jobs.is_all() => Ok(Exit::Expected),
            Ended::ByItself(JobsDone { wanted, completed }) => {
                let told = format!("{} of {wanted} jobs were not done", wanted.saturating_sub(completed));
                Err(Failure::new(Exit::Unexpected, told, "what its workers said stands above"))
            }
            Ended::Politely | Ended::AtOnce => Ok(Exit::Interrupted),
        }
    })
}

/// How a program ended.
enum Ended<T> {
    /// It had nothing left to do.
    ByItself(T),
    /// It was told to leave, and has left.
    Politely,
    /// It was told twice.
    AtOnce,
}

/// Runs a program; the first Ctrl-C or SIGTERM lets it leave politely, the second ends it.
async fn run<T, F>(program: impl FnOnce(watch::Receiver<Shutdown>) -> F) -> Result<Ended<T>, Failure>
where
    F: Future<Output = Result<T, UserError>>,
{
    let (tell, told) = watch::channel(Shutdown::Run);
    let mut program = pin!(program(told));
    tokio::select! {
        ended = &mut program => return ended.map(Ended::ByItself).map_err(|error| unreachable(&error)),
        () = runtime::told_to_leave() => tell.send_replace(Shutdown::Now),
    };
    tokio::select! {
        ended = &mut program => ended.map(|_| Ended::Politely).map_err(|error| unreachable(&error)),
        () = runtime::told_to_leave() => Ok(Ended::AtOnce),
    }
}

/// Where a reference program goes.
struct Place {
    target: Arc<rehearsal_reference::target::Target>,
    room: Option<RoomKey>,
    network: TcpNetwork,
    surroundings: Surroundings,
}

impl Place {
    fn of(member: &Member) -> Result<Place, Failure> {
        let user_agent = format!("rehearsal/{}", env!("CARGO_PKG_VERSION"));
        let target = url::target(&member.target, member.http.as_deref(), user_agent)
            .map_err(|error| Failure::usage(error.to_string(), ""))?;
        let trust = member.ca.clone().map_or(Trust::Machine, Trust::Private);
        let network = TcpNetwork::new(&trust).map_err(|error| Failure::usage(error.to_string(), ""))?;
        let room = member.room.as_deref().map(room).transpose()?;
        let (surroundings, _) = machine::surroundings();
        Ok(Place { target: Arc::new(target), room, network, surroundings })
    }

    /// Signs in, and makes a room if none was named; its key is printed for others to join.
    async fn user(&self) -> Result<User, Failure> {
        let mut http = HttpClient::new(self.network.clone(), self.target.clone(), self.surroundings.clone());
        let sign_in: SignIn = http.anonymous_signin().await.map_err(|error| unreachable(&error))?;
        let room = match &self.room {
            Some(room) => room.clone(),
            None => {
                let room = http.create_room(&sign_in.id_token).await.map_err(|error| unreachable(&error))?;
                output::print_line(&format_args!("room {}:{}", room.room_id, room.room_token));
                room
            }
        };
        Ok(User {
            target: self.target.clone(),
            room,
            sign_in: Some(sign_in),
            signs_in: None,
            peer_id: None,
            first_conn: 1,
            knows: None,
            may_join: None,
        })
    }
}

fn unreachable(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Unreachable, error.to_string(), "is the server running, and are --target and --http right?")
}

fn room(text: &str) -> Result<RoomKey, Failure> {
    match text.split_once(':') {
        Some((id, token)) if !id.is_empty() && !token.is_empty() => {
            Ok(RoomKey { room_id: id.to_owned(), room_token: token.to_owned() })
        }
        _ => Err(Failure::usage("a room is named ID:TOKEN", "a program without --room makes one and prints its name")),
    }
}

/// The usual properties of a worker, with those given in their place or beside them.
fn properties(given: &[String]) -> Result<Object, Failure> {
    let mut properties = default_properties();
    for text in given {
        let (name, value) =
            text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| not_a_property(text))?;
        let value: Value = serde_json::from_str(value).map_err(|_| not_a_property(text))?;
        properties.insert(name.to_owned(), value);
    }
    Ok(properties)
}

fn not_a_property(text: &str) -> Failure {
    Failure::usage(
        format!("{text:?} is not a property"),
        "a property is NAME=JSON, such as gpu_memory_mb=24576; a text is quoted: 'gpu_model=\"A100\"'",
    )
}

fn strategy(name: &str) -> Result<Strategy, Failure> {
    match name {
        "reject_when_busy" => Ok(Strategy::RejectWhenBusy),
        "metadata_first" => Ok(Strategy::MetadataFirst),
        "reservation" => Ok(Strategy::Reservation),
        _ => Err(Failure::usage(
            format!("there is no strategy {name:?}"),
            "strategies are reject_when_busy, metadata_first and reservation",
        )),
    }
}

/// Tells on stderr what a program does.
struct Teller;

impl Observer for Teller {
    fn observe(&self, observed: Observed<'_>) {
        match observed {
            Observed::Opened { target, .. } => eprintln!("connected to {target}"),
            Observed::ConnectFailed { class, reason, .. } => eprintln!("cannot connect ({class}): {reason}"),
            Observed::Closed { end, .. } => eprintln!("connection ended: {}", end.reason),
            Observed::JobBegan { job, client } => eprintln!("job {job} begins, for {client}"),
            Observed::JobEnded { job, outcome, .. } => eprintln!("job {job} {outcome}"),
            Observed::AttemptBegan { job, .. } => eprintln!("job {job}: looking for a worker"),
            Observed::AttemptEnded { job, worker, outcome } => {
                eprintln!("job {job} {outcome}{}", worker.map(|worker| format!(", by {worker}")).unwrap_or_default());
            }
            Observed::Received { message, .. } => {
                if let ServerMessage::Error(ServerError { code, message, .. }) = ServerMessage::of(message) {
                    eprintln!("the server refuses: {code}: {message}");
                }
            }
            Observed::Connecting { .. }
            | Observed::Sent { .. }
            | Observed::Dropped { .. }
            | Observed::Garbage { .. } => {}
        }
    }
}
