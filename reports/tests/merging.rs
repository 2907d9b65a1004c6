//! Records of segments, merged, are the record of the whole: the same events in the same order, the same verdicts and numbers,
//! and histograms that agree bucket for bucket.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use hdrhistogram::Histogram;
use proptest::prelude::*;
use rehearsal_reports::event::{Body, Event, Kind, RUN, digest};
use rehearsal_reports::numbers::seconds::{Interval, Time};
use rehearsal_reports::record::{EventReader, EventWriter, FileEnd, Folding, Judged, Merging, Told};
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, load};
use serde_json::json;
use std::collections::BTreeMap;

const MS: i64 = 1_000_000;

/// One user in each of several rooms, with a partner.
fn plan() -> Plan {
    let text = b"format = 1\n[time]\nramp = '0s'\nwarmup = '0s'\nmeasure = '20s'\n[rooms]\ncount = 4\n[users.workers]\nrole = 'worker'\ncount = 8\n";
    load("merged", text, &Overrides::default()).unwrap().plan(1, World::Live)
}

/// What one user does: it asks, and is answered later or not at all, or tells its partner something.
#[derive(Clone, Debug)]
enum Act {
    Asks { after_ms: i64, takes_ms: i64, is_good: bool },
    Tells { after_ms: i64, takes_ms: i64, what: u8 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (1i64..500, 0i64..900, any::<bool>()).prop_map(|(after_ms, takes_ms, is_good)| Act::Asks {
            after_ms,
            takes_ms,
            is_good
        }),
        (1i64..500, 0i64..900, 0u8..4).prop_map(|(after_ms, takes_ms, what)| Act::Tells { after_ms, takes_ms, what }),
    ]
}

/// A user's events without their numbers. Times of different users are never the same: the order of the whole is then the
/// order of times.
fn events_of(user: usize, acts: &[Act]) -> Vec<Event> {
    let (name, partner) = (format!("workers-{user}"), format!("workers-{}", user ^ 1));
    let mut events = Vec::new();
    let mut t_ns = user as i64;
    let mut put =
        |t_ns: i64, user: &str, kind: Kind, op: &str, op_id: Option<u64>, planned_ns: Option<i64>, body: Body| {
            let (user, op) = (user.into(), op.into());
            events.push(Event {
                n: 0,
                t_ns,
                process: 0,
                user,
                conn: 1,
                kind,
                op,
                op_id,
                planned_ns,
                said: Default::default(),
                content: Default::default(),
                body,
            });
        };
    for (act, op_id) in acts.iter().zip(1..) {
        match act {
            Act::Asks { after_ms, takes_ms, is_good } => {
                let planned_ns = t_ns + (after_ms - 1) * MS;
                t_ns += after_ms * MS;
                put(t_ns, &name, Kind::Invoked, "discover", Some(op_id), Some(planned_ns), Body::Empty);
                let (kind, body) = match is_good {
                    true => (Kind::Ok, Body::Discovered { peers: Vec::new() }),
                    false => (Kind::Failed, Body::Error { code: "NOT_IN_ROOM".into(), message: "".into(), to: None }),
                };
                t_ns += takes_ms * MS;
                put(t_ns, &name, kind, "discover", Some(op_id), None, body);
            }
            Act::Tells { after_ms, takes_ms, what } => {
                t_ns += after_ms * MS;
                let payload = json!({ "what": what });
                let body = Body::Message {
                    kind: "peer_message".into(),
                    from: name.as_str().into(),
                    to: partner.as_str().into(),
                    digest: digest(&payload),
                    bytes: 9,
                    job: None,
                };
                put(t_ns, &name, Kind::Sent, "", None, None, body.clone());
                put(t_ns + takes_ms * MS + 100, &partner, Kind::Received, "", None, None, body);
            }
        }
    }
    events
}

fn record(mut events: Vec<Event>) -> Vec<u8> {
    events.sort_by_key(|event| event.t_ns);
    let mut writer = EventWriter::new(Vec::new()).unwrap();
    for (mut event, n) in events.into_iter().zip(0..) {
        event.n = n;
        writer.write(&event).unwrap();
    }
    writer.finish().unwrap()
}

/// By second, operation and time.
type Histograms = BTreeMap<(i64, String, &'static str), Histogram<u64>>;

fn add(histograms: &mut Histograms, intervals: Vec<Interval>) {
    for Interval { second, operation, time, histogram } in intervals {
        let time = if time == Time::Response { "response" } else { "service" };
        match histograms.get_mut(&(second, operation.to_string(), time)) {
            Some(sum) => sum.add(&histogram).unwrap(),
            None => drop(histograms.insert((second, operation.to_string(), time), histogram)),
        }
    }
}

fn fold(events: impl Iterator<Item = Event>) -> (Judged, Histograms) {
    let (plan, mut histograms) = (plan(), Histograms::new());
    let mut folding = Folding::new(&plan);
    for event in events {
        folding.observe(&event);
        add(&mut histograms, folding.drain_intervals());
    }
    let (judged, last) = folding.finish(&plan, FileEnd::Finished, &Told::default());
    add(&mut histograms, last);
    (judged, histograms)
}

fn read(record: &[u8]) -> impl Iterator<Item = Event> {
    EventReader::new(record).unwrap().map(Result::unwrap)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn merged_segments_equal_the_whole_bucket_for_bucket(
        acts in prop::collection::vec(prop::collection::vec(act(), 0..20), 8),
        segment_of_room in prop::collection::vec(0usize..3, 4),
    ) {
        let by_user: Vec<Vec<Event>> = acts.iter().enumerate().map(|(user, acts)| events_of(user, acts)).collect();
        let whole = record(by_user.concat());
        let in_segment = |segment: usize| {
            let users = (0..8).filter(|user| segment_of_room[user / 2] == segment);
            users.flat_map(|user| by_user[user].clone()).collect::<Vec<_>>()
        };
        let segments: Vec<Vec<u8>> = (0..3).map(|segment| record(in_segment(segment))).collect();
        let readers = segments.iter().zip(1..).map(|(bytes, nth)| (nth, EventReader::new(&bytes[..]).unwrap()));
        let mut merging = Merging::new(readers).unwrap();
        let merged: Vec<Event> = merging.by_ref().map(Result::unwrap).collect();
        prop_assert_eq!(merging.end(), FileEnd::Finished);

        let unmarked = merged.iter().map(|event| Event { process: 0, ..event.clone() });
        prop_assert_eq!(unmarked.collect::<Vec<_>>(), read(&whole).collect::<Vec<_>>());
        let (judged_whole, histograms_whole) = fold(read(&whole));
        let (judged, histograms) = fold(merged.into_iter());
        prop_assert_eq!(judged, judged_whole);
        prop_assert_eq!(&histograms, &histograms_whole);

        // The histograms that the segments wrote by themselves add up to the same, too.
        let mut sum = Histograms::new();
        for segment in &segments {
            for (key, histogram) in fold(read(segment)).1 {
                match sum.get_mut(&key) {
                    Some(sum) => sum.add(&histogram).unwrap(),
                    None => drop(sum.insert(key, histogram)),
                }
            }
        }
        prop_assert_eq!(sum, histograms_whole);
    }
}

#[test]
fn operations_of_the_run_itself_stay_apart_and_a_cut_off_segment_is_told() {
    let signs_in = |t_ns: i64| {
        let (user, op) = (RUN.into(), "sign_in".into());
        let (conn, kind, op_id, said) = (0, Kind::Invoked, Some(1), Default::default());
        Event {
            n: 0,
            t_ns,
            process: 0,
            user,
            conn,
            kind,
            op,
            op_id,
            planned_ns: None,
            said,
            content: Default::default(),
            body: Body::Empty,
        }
    };
    let (one, other) = (record(vec![signs_in(-5)]), record(vec![signs_in(-7), signs_in(3)]));
    let cut_off = &other[..other.len() - 3];
    let readers = [(1, EventReader::new(&one[..]).unwrap()), (2, EventReader::new(cut_off).unwrap())];
    let mut merging = Merging::new(readers).unwrap();
    let merged: Vec<Event> = merging.by_ref().map(Result::unwrap).collect();
    assert!(merged.windows(2).all(|pair| pair[0].t_ns <= pair[1].t_ns && pair[0].n + 1 == pair[1].n));
    let of_processes: BTreeMap<u32, u64> = merged.iter().map(|event| (event.process, event.op_id.unwrap())).collect();
    assert_ne!(of_processes.get(&1), of_processes.get(&2));
    assert_eq!(merging.end(), FileEnd::Truncated);
}
