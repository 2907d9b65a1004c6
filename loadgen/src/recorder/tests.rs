//! Observations in, events out: each test plays one connection by hand.

use super::UserRecorder;
use crate::sink::{Draft, EventSink};
use rehearsal_reference::observer::{ConnectionEnd, Observed, Observer, Side};
use rehearsal_reports::event::{Body, Closer, JobOutcome, Kind};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Memory(Mutex<Vec<Draft>>);

impl EventSink for Memory {
    fn now_ns(&self) -> i64 {
        1_000
    }
    fn record(&self, event: Draft) {
        self.0.lock().unwrap().push(event);
    }
}

/// A user with one open connection.
struct Played {
    memory: Arc<Memory>,
    recorder: Option<Arc<UserRecorder>>,
}

impl Played {
    fn new(incarnation: u32) -> Played {
        let memory = Arc::new(Memory::default());
        let recorder = UserRecorder::new(memory.clone(), "clients-0".into(), incarnation);
        recorder.observe(Observed::Connecting { conn: 1 });
        recorder.observe(Observed::Opened { conn: 1, target: "127.0.0.1:8080" });
        Played { memory, recorder: Some(recorder) }
    }

    fn recorder(&self) -> &UserRecorder {
        self.recorder.as_ref().unwrap()
    }

    fn sends(&self, message: Value) {
        self.recorder().observe(Observed::Sent { conn: 1, message: &message, written: None });
    }

    fn receives(&self, message: Value) {
        self.recorder().observe(Observed::Received { conn: 1, message: &message });
    }

    /// Events written since it was last asked.
    fn events(&self) -> Vec<Draft> {
        std::mem::take(&mut self.memory.0.lock().unwrap())
    }

    fn kinds(&self) -> Vec<(Kind, String)> {
        self.events().into_iter().map(|event| (event.kind, event.op.to_string())).collect()
    }
}

fn told(kind: Kind, op: &str) -> (Kind, String) {
    (kind, op.to_owned())
}

#[test]
fn a_question_is_invoked_and_its_answer_is_ok_under_one_number() {
    let played = Played::new(0);
    played.events();
    played.recorder().plan_next(500);
    played.sends(json!({ "type": "discover_peers", "from_peer_id": "a", "filters": { "role": "worker" } }));
    let worker = json!({ "peer_id": "w", "metadata": { "properties": { "status": "available" } } });
    played.receives(json!({ "type": "peer_list", "peers": [worker], "count": 1 }));
    let events = played.events();
    assert_eq!(events[0].planned_ns, Some(500));
    assert_eq!((events[0].kind, events[1].kind), (Kind::Invoked, Kind::Ok));
    assert!(events[0].op_id.is_some() && events[0].op_id == events[1].op_id);
    let Body::Discovered { peers } = &events[1].body else { panic!("{events:?}") };
    assert_eq!(peers[0].status.as_deref(), Some("available"));
}

#[test]
fn what_a_closing_connection_leaves_open_is_unknown() {
    let played = Played::new(0);
    played.events();
    played.sends(json!({ "type": "update_metadata", "peer_id": "a", "metadata": {} }));
    let end = ConnectionEnd { by: Side::Peer, code: Some(1000), reason: String::new() };
    played.recorder().observe(Observed::Closed { conn: 1, end: &end });
    let expected =
        [told(Kind::Invoked, "update_metadata"), told(Kind::Unknown, "update_metadata"), told(Kind::Closed, "")];
    assert_eq!(played.kinds(), expected);
}

#[test]
fn a_refused_relay_names_whom_it_was_for_and_fails_no_operation() {
    let played = Played::new(0);
    played.sends(json!({ "type": "discover_peers", "from_peer_id": "a", "filters": {} }));
    played.sends(json!({ "type": "peer_message", "from_peer_id": "a", "to_peer_id": "gone", "payload": {} }));
    played.events();
    played.receives(json!({ "type": "error", "code": "PEER_NOT_FOUND", "message": "nobody" }));
    let events = played.events();
    assert_eq!(events.len(), 1);
    let Body::Error { to, .. } = &events[0].body else { panic!("{events:?}") };
    assert_eq!((events[0].kind, to.as_deref()), (Kind::Received, Some("gone")));
}

#[test]
fn a_refusal_is_about_the_relay_that_its_field_or_its_words_name_and_else_about_none() {
    let played = Played::new(0);
    for to in ["peer-1", "peer-10"] {
        played.sends(json!({ "type": "peer_message", "from_peer_id": "a", "to_peer_id": to, "payload": {} }));
    }
    played.events();
    let refused = |fields: Value| {
        let mut message = json!({ "type": "error", "code": "DELIVERY_FAILED", "message": "it did not get there" });
        message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        played.receives(message);
        let Body::Error { to, .. } = &played.events()[0].body else { panic!("no error") };
        to.as_deref().map(str::to_owned)
    };
    assert_eq!(refused(json!({})), None);
    assert_eq!(refused(json!({ "message": "`peer-10` is gone" })).as_deref(), Some("peer-10"));
    assert_eq!(refused(json!({ "to_peer_id": "peer-1" })).as_deref(), Some("peer-1"));
    assert_eq!(refused(json!({ "to_peer_id": "forgotten" })).as_deref(), Some("forgotten"));
}

#[test]
fn a_relay_has_the_same_digest_where_it_is_sent_and_where_it_arrives() {
    let (sender, receiver) = (Played::new(0), Played::new(0));
    receiver.sends(json!({ "type": "register", "peer_id": "b", "room_id": "r", "token": "t", "id_token": "i" }));
    for played in [&sender, &receiver] {
        played.events();
    }
    let offer = json!({ "sdp": "v=0", "type": "offer" });
    sender.sends(json!({ "type": "mesh_connect", "from_peer_id": "a", "target_peer_id": "b", "offer": offer }));
    receiver.receives(json!({ "type": "mesh_offer", "from_peer_id": "a", "offer": offer }));
    let message = |played: &Played| match played.events().remove(0).body {
        Body::Message { from, to, digest, bytes, .. } => (from, to, digest, bytes),
        other => panic!("{other:?}"),
    };
    assert_eq!(message(&sender), message(&receiver));
}

#[test]
fn no_token_of_a_registration_reaches_an_event() {
    let played = Played::new(0);
    played
        .sends(json!({ "type": "register", "peer_id": "a", "room_id": "r", "token": "password", "id_token": "proof" }));
    let words = format!("{:?}", played.events());
    assert!(!words.contains("password") && !words.contains("proof"), "{words}");
}

#[test]
fn rubbish_from_the_server_is_an_error_of_its_own_class() {
    let played = Played::new(0);
    played.events();
    played.recorder().observe(Observed::Garbage { conn: 1, reason: "expected value at line 1" });
    let Body::Error { code, .. } = &played.events()[0].body else { panic!("no error") };
    assert_eq!(&**code, "garbage");
}

#[test]
fn a_user_that_is_dropped_leaves_no_operation_connection_or_job_open() {
    let mut played = Played::new(0);
    played.sends(json!({ "type": "discover_peers", "from_peer_id": "a", "filters": {} }));
    played.recorder().observe(Observed::JobBegan { job: "j", client: "c" });
    played.recorder().observe(Observed::AttemptBegan { job: "k", attempt_of: None });
    played.events();
    played.recorder = None;
    let events = played.events();
    let kinds: Vec<Kind> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [Kind::Unknown, Kind::Closed, Kind::Ended, Kind::Unknown]);
    assert!(matches!(&events[1].body, Body::Closed { by: Closer::Fault, .. }));
    assert!(matches!(&events[2].body, Body::Job { outcome: Some(JobOutcome::Lost), .. }));
}

#[test]
fn each_life_of_a_user_has_numbers_of_its_own() {
    let (first, second) = (Played::new(0).events(), Played::new(1).events());
    assert!(first.iter().zip(&second).all(|(first, second)| first.conn != second.conn));
    assert_ne!(first[0].op_id, second[0].op_id);
}

#[test]
fn what_a_message_says_at_watched_places_is_kept_and_what_may_be_secret_is_not() {
    let memory = Arc::new(Memory::default());
    let watched = ["/payload", "/payload/job_id", "/payload/text", "/token", "/type"].map(str::to_owned);
    let recorder = UserRecorder::among(memory.clone(), "clients-0".into(), 0, watched.into(), Arc::default());
    recorder.observe(Observed::Opened { conn: 1, target: "127.0.0.1:8080" });
    let long = "x".repeat(300);
    let message = json!({ "type": "ticket", "token": "abcdef", "payload": { "job_id": 7, "text": long } });
    recorder.observe(Observed::Sent { conn: 1, message: &message, written: None });
    recorder.observe(Observed::Received { conn: 1, message: &json!({ "type": "sold" }) });
    let events = std::mem::take(&mut *memory.0.lock().unwrap());
    let said = |event: &Draft| serde_json::to_value(&event.said).unwrap();
    let hash = said(&events[1])["/payload/text"].as_str().unwrap().to_owned();
    assert!(hash.starts_with("xxh3:") && hash.len() == 21, "{hash}");
    assert_eq!(said(&events[1]), json!({ "/type": "ticket", "/payload/job_id": 7, "/payload/text": hash }));
    assert_eq!(said(&events[2]), json!({ "/type": "sold" }));
}

/// A sink that keeps what messages carry.
#[derive(Default)]
struct Shown(Memory);

impl EventSink for Shown {
    fn now_ns(&self) -> i64 {
        self.0.now_ns()
    }
    fn record(&self, event: Draft) {
        self.0.record(event);
    }
    fn keeps_contents(&self) -> bool {
        true
    }
}

#[test]
fn what_messages_carry_is_kept_by_a_sink_that_shows_it_and_by_no_other() {
    let relay = json!({ "type": "peer_message", "from_peer_id": "a", "to_peer_id": "b", "payload": { "app_message_type": "hi" } });
    let register = json!({ "type": "register", "peer_id": "a", "room_id": "r", "token": "t", "id_token": "i" });
    let other = json!({ "type": "ticket", "token": "abcdef", "seat": 7 });
    let shown = Arc::new(Shown::default());
    let recorder = UserRecorder::new(shown.clone(), "clients-0".into(), 0);
    recorder.observe(Observed::Opened { conn: 1, target: "127.0.0.1:8080" });
    for message in [&register, &relay, &other] {
        recorder.observe(Observed::Sent { conn: 1, message, written: None });
    }
    let events = std::mem::take(&mut *shown.0.0.lock().unwrap());
    let contents: Vec<_> = events.iter().map(|event| event.content.text()).collect();
    let expected =
        [None, None, Some(r#"{"app_message_type":"hi"}"#), Some(r#"{"seat":7,"token":"…","type":"ticket"}"#)];
    assert_eq!(contents, expected);
    let played = Played::new(0);
    played.sends(relay);
    assert!(played.events().iter().all(|event| event.content.is_empty()));
}
