//! What a live run is asked for, what it gives back, and why it may not begin. Neighbours: `driver` runs it, the command
//! line fills in the options and turns results into exit codes.

use super::guard::Refused;
use super::outcome::Ending;
use super::policy::Policy;
use super::secrets::NoSecret;
use super::start::Start;
use super::startup::CannotStart;
use super::tls::{TlsError, Trust};
use super::umpires::SharedJudge;
use super::url::BadUrl;
use crate::cleanup::LeftBehind;
use crate::target::{Target, http_url, ws_url};
use rehearsal_reference::failure::{Failure, FailureClass};
use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::record::SharedClock;
use rehearsal_scenarios::plan::Segment;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a live run is asked for.
#[derive(Clone)]
pub struct LiveOptions {
    /// What is loaded; its `User-Agent` must be [`crate::target::user_agent`] of `run_id`.
    pub target: Target,
    /// Hosts that may be loaded besides this machine (`--yes-i-may-load`).
    pub allowed_hosts: Vec<String>,
    /// Whom to trust for TLS.
    pub trust: Trust,
    /// The folder in place of `runs` (`--out`); the record goes to `<scenario>/<time>` below it.
    pub out: Option<PathBuf>,
    /// The record's own folder, where somebody else has decided about it.
    pub folder: Option<PathBuf>,
    /// Which part of the plan of the scenario is played; none if it is the whole.
    pub segment: Option<Segment>,
    /// When time 0 is.
    pub start: Start,
    /// The clock by which the start is meant, if other processes share it.
    pub clock: Option<SharedClock>,
    /// The run's id, in every request.
    pub run_id: String,
    /// The scenario file, whole, for the record.
    pub scenario_text: String,
    /// Parameters that were set.
    pub parameters: BTreeMap<String, Value>,
    /// Versions by name, for the record.
    pub versions: BTreeMap<String, String>,
    /// Hash of the lock file, in hex digits.
    pub lock_hash: String,
    /// What the project allows and hands in.
    pub policy: Policy,
    /// Where this run stands in a search for a capacity, if it is one of its steps.
    pub step: Option<SearchStep>,
    /// The command line after the program's name, without secrets.
    pub arguments: Vec<String>,
}

/// One run of a search.
#[derive(Clone)]
pub struct SearchStep {
    /// Sees what ends each second, and may end the run.
    pub judge: SharedJudge,
    /// Whether the target has answered before: then its first contact is over.
    pub is_known: bool,
}

impl LiveOptions {
    /// The whole plan, at once, by this process alone, on this machine, with nothing said of where the plan comes from.
    pub fn new(target: Target, run_id: String) -> LiveOptions {
        LiveOptions {
            target,
            allowed_hosts: Vec::new(),
            trust: Trust::Machine,
            out: None,
            folder: None,
            segment: None,
            start: Start::WhenReady,
            clock: None,
            run_id,
            scenario_text: String::new(),
            parameters: BTreeMap::new(),
            versions: BTreeMap::new(),
            lock_hash: String::new(),
            policy: Policy::default(),
            step: None,
            arguments: Vec::new(),
        }
    }

    /// What is loaded, without secrets.
    pub fn targets(&self) -> Vec<String> {
        let (ws, http) = (ws_url(&self.target), http_url(&self.target));
        vec![ws, http]
    }
}

/// What a user of the terminal asks for while a run goes on. It only ever gets stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Interrupt {
    /// Go on.
    #[default]
    None,
    /// End politely: users leave, everything is removed, the record is written.
    Polite,
    /// End at once: the record is written, the journal stays for `rehearsal cleanup`.
    Now,
}

/// What a live run gives back.
pub struct LiveRun {
    /// Everything that a reader may be shown.
    pub outcome: Outcome,
    /// The record's folder.
    pub record: PathBuf,
    /// What could not be removed from the target.
    pub left_behind: LeftBehind,
    /// How it ended.
    pub ending: Ending,
    /// Whether and how it was interrupted.
    pub interrupted: Interrupt,
    /// Why nothing was played, or that nothing ever succeeded: the target counts as unreachable (exit 5).
    pub unreachable: Option<String>,
}

/// Why a live run did not begin. Nothing is left on the target.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The plan, the target or the load is refused (exit 2).
    #[error(transparent)]
    Refused(#[from] Refused),
    /// This machine is too small for the plan (exit 2).
    #[error(transparent)]
    CannotStart(#[from] CannotStart),
    /// A secret that the run needs cannot be had (exit 2).
    #[error(transparent)]
    NoSecret(#[from] NoSecret),
    /// The address of something that is observed makes no sense (exit 2).
    #[error(transparent)]
    BadUrl(#[from] BadUrl),
    /// TLS cannot be set up (exit 2).
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The first contact failed (exit 5).
    #[error("{target} cannot be used: {doing}: {failure}\n  hint: {hint}")]
    Unreachable {
        /// Which address.
        target: String,
        /// What was tried.
        doing: &'static str,
        /// How it failed.
        failure: Failure,
        /// What may help.
        hint: &'static str,
    },
    /// Somebody interrupted the first contact (exit 130).
    #[error("interrupted before anything was played")]
    Interrupted,
    /// The thread that keeps the record is gone; what it had written is there.
    #[error("the recorder stopped\n  hint: what was recorded until then is in `{}`; this is a bug of rehearsal", .folder.display())]
    RecorderStopped {
        /// The record's folder.
        folder: PathBuf,
    },
    /// The record cannot be written (exit 2).
    #[error("the record cannot be written to `{}`: {error}\n  hint: --out DIR names another folder", .folder.display())]
    Record {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        error: std::io::Error,
    },
}

/// What may help when the first contact fails in this way.
pub(crate) fn hint(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Refused => "nobody listens there; is the server running, and is the port right?",
        FailureClass::TimedOut => "nobody answered within 10 s; is the address right, is a firewall between?",
        FailureClass::Dns => "the name does not resolve; check its spelling and this machine's name service",
        FailureClass::Tls => {
            "check the certificate and its name; --ca FILE trusts a private authority; ws:// is without TLS"
        }
        FailureClass::NotWebsocket => "there is no WebSocket at this address; check port, path and ws or wss",
        FailureClass::NotHttp => {
            "there is no HTTP at this address; --http URL names the HTTP side, check port and scheme"
        }
        FailureClass::Status(_) => {
            "the signaling API is not at this address, or refuses us; --http URL names its HTTP side"
        }
        FailureClass::Garbage => {
            "something else answers at this address; --http URL names the signaling API's HTTP side"
        }
        FailureClass::Reset | FailureClass::Other => {
            "the connection broke at once; does the address speak this protocol?"
        }
    }
}
