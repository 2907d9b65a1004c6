//! Stories: what is told of a violation, and what is left out.

use crate::race::{Script, naive_race};
use rehearsal_reports::event::{Body, Event, Kind};
use rehearsal_reports::outcome::Story;
use rehearsal_reports::render::text::story_columns;
use rehearsal_reports::story::{DETAILS_MAX, ROWS_MAX, TIMELINE_ROWS_MAX, story, timeline};
use rehearsal_reports::verdict::{CheckVerdict, Evidence, Verdict};

fn naive_story() -> Story {
    let (check, events) = naive_race();
    story(&check, &events, true).expect("a broken check with evidence has a story")
}

#[test]
fn the_race_is_told_from_the_last_look_to_the_second_job() {
    insta::assert_snapshot!(story_columns(&naive_story()));
}

#[test]
fn the_worker_stands_between_its_clients_and_peer_ids_are_told_as_users() {
    assert_eq!(naive_story().lanes.iter().map(|it| &**it).collect::<Vec<_>>(), ["clients-0", "workers-0", "clients-1"]);
}

#[test]
fn two_jobs_at_once_are_two_spans_in_one_lane() {
    let spans = naive_story().spans;
    assert_eq!(spans.len(), 2);
    assert!(spans.iter().all(|it| &*it.lane == "workers-0"));
    assert!(spans[1].from_ns < spans[0].until_ns.unwrap());
}

#[test]
fn a_message_arrives_when_its_digest_does_and_not_at_all_otherwise() {
    let story = naive_story();
    let request = story.rows.iter().find(|it| it.text == "job_request").unwrap();
    assert_eq!(request.arrived_ns, Some(10_028_000_000));
    let lost = story.rows.iter().find(|it| it.text == "job_status" && it.t_ns == 15_215_000_000).unwrap();
    assert_eq!(lost.arrived_ns, None);
}

#[test]
fn a_fault_is_a_span_over_the_lanes_it_concerns() {
    let story = naive_story();
    assert_eq!(story.faults.len(), 1);
    assert_eq!(story.faults[0].until_ns, Some(10_068_000_000));
    assert_eq!(story.faults[0].lanes, ["clients-1".into()]);
}

#[test]
fn a_long_run_is_told_in_few_rows_with_the_evidence_among_them() {
    let (worker, client) = (("workers-0", "w"), ("clients-0", "c"));
    let mut script = Script::default();
    script.registers(1, worker.0, worker.1);
    script.registers(2, client.0, client.1);
    for index in 0..200 {
        script.says(100 + index, worker, client, "job_status", "j1", Some(1));
    }
    script.sees(400, client.0, worker.1, "available");
    let events = script.in_order();
    let seen = events.last().unwrap().n;
    let check = broken("departed_peers_disappear", &["clients-0", "workers-0"], vec![seen], 400);
    let story = story(&check, &events, true).unwrap();
    assert_eq!(story.rows.len(), 1 + DETAILS_MAX, "progress is told a few times, not two hundred times");
    assert_eq!(story.rows.last().unwrap().mark, "still listed");
}

#[test]
fn a_story_never_grows_past_a_screen() {
    let mut script = Script::default();
    for index in 0..200 {
        // Equal rows would be told as one.
        script.sees(100 + index, "clients-0", "workers-0", if index % 2 == 0 { "available" } else { "busy" });
    }
    let check = broken("departed_peers_disappear", &["clients-0"], vec![199], 400);
    let story = story(&check, &script.in_order(), true).unwrap();
    assert_eq!(story.rows.len(), ROWS_MAX);
    assert_eq!(story.rows.last().unwrap().mark, "still listed");
}

#[test]
fn an_arrival_that_nobody_sent_is_told_in_the_receivers_lane() {
    let mut script = Script::default();
    script.registers(1, "clients-0", "c");
    script.says(5, ("outside", "x"), ("clients-0", "c"), "job_request", "j1", Some(2));
    let mut events = script.in_order();
    events.retain(|it| &*it.user != "outside");
    let n = events.last().unwrap().n;
    let story = story(&broken("room_sees_only_its_own", &["clients-0"], vec![n], 7), &events, true).unwrap();
    assert_eq!(story.rows.last().unwrap().text, "receives: job_request from x");
    assert_eq!(story.rows.last().unwrap().mark, "from another room");
}

#[test]
fn a_message_that_is_lost_is_marked_as_lost() {
    let mut script = Script::default();
    script.registers(1, "workers-0", "w");
    script.registers(2, "clients-0", "c");
    script.says(10, ("clients-0", "c"), ("workers-0", "w"), "job_cancel", "j1", None);
    let events = script.in_order();
    let n = events.last().unwrap().n;
    let check = broken("messages_arrive_once_in_order_unchanged", &["clients-0", "workers-0"], vec![n], 20);
    let story = story(&check, &events, false).unwrap();
    assert_eq!(story.rows.last().unwrap().mark, "lost, and nothing explains it");
    assert!(story_columns(&story).contains("job_cancel (no arrival seen)"));
}

/// Two equal messages of which only one arrives, in the order of the record: the check says which one is missing.
#[test]
fn of_two_equal_messages_the_one_that_the_check_names_is_the_one_that_is_lost() {
    let mut script = Script::default();
    script.registers(1, "workers-0", "w");
    script.registers(2, "clients-0", "c");
    script.says(10, ("clients-0", "c"), ("workers-0", "w"), "job_cancel", "j1", None);
    script.says(30, ("clients-0", "c"), ("workers-0", "w"), "job_cancel", "j1", Some(5));
    let mut events = script.in_order();
    say_the_same(&mut events);
    let sent: Vec<u64> = events.iter().filter(|it| it.kind == Kind::Sent).map(|it| it.n).collect();
    for (lost, arrives) in [(0, 1), (1, 0)] {
        let users = ["clients-0", "workers-0"];
        let check = broken("messages_arrive_once_in_order_unchanged", &users, vec![sent[lost]], 40);
        let story = story(&check, &events, false).unwrap();
        let told: Vec<_> = story.rows.iter().filter(|it| it.to.is_some()).collect();
        assert_eq!((told[lost].arrived_ns, told[lost].mark.is_empty()), (None, false));
        assert_eq!(told[arrives].arrived_ns, Some(35_000_000));
    }
}

#[test]
fn a_message_that_arrives_twice_is_told_with_its_sending_and_both_arrivals() {
    let mut script = Script::default();
    script.registers(1, "workers-0", "w");
    script.registers(2, "clients-0", "c");
    // Sent long before it arrives again: a story of its last second alone would not show the sending.
    script.says(10, ("clients-0", "c"), ("workers-0", "w"), "job_cancel", "j1", Some(5));
    script.says(5_000, ("clients-0", "c"), ("workers-0", "w"), "job_cancel", "j1", Some(5));
    let mut events = script.in_order();
    say_the_same(&mut events);
    events.retain(|it| !(it.kind == Kind::Sent && it.t_ns == 5_000_000_000));
    let n = events.last().unwrap().n;
    let users = ["clients-0", "workers-0"];
    let mut check = broken("messages_arrive_once_in_order_unchanged", &users, vec![n], 5_005);
    if let Verdict::Broken { evidence } = &mut check.verdict {
        evidence[0].from_ns = 5_005_000_000;
    }
    let columns = story_columns(&story(&check, &events, false).unwrap());
    assert!(columns.contains("job_cancel") && !columns.contains("no arrival seen"), "{columns}");
    assert!(columns.contains("receives") && columns.contains("not as it was sent"), "{columns}");
}

#[test]
fn an_arrival_that_was_written_before_its_sending_still_belongs_to_it() {
    let mut script = Script::default();
    script.registers(1, "workers-0", "w");
    script.registers(2, "clients-0", "c");
    script.says(10, ("clients-0", "c"), ("workers-0", "w"), "job_cancel", "j1", Some(0));
    script.sees(20, "clients-0", "w", "available");
    let mut events = script.in_order();
    let sent = events.iter().position(|it| it.kind == Kind::Sent).unwrap();
    events.swap(sent, sent + 1);
    let n = events.last().unwrap().n;
    let check = broken("departed_peers_disappear", &["clients-0", "workers-0"], vec![n], 20);
    let story = story(&check, &events, false).unwrap();
    let message = story.rows.iter().find(|it| it.text == "job_cancel").unwrap();
    assert_eq!(message.arrived_ns, Some(10_000_000));
}

#[test]
fn the_same_again_and_again_is_one_row_with_its_last_time() {
    let mut script = Script::default();
    for index in 0..11 {
        script.is_refused(100 + 100 * index, "clients-0", "refused", "nobody listens");
        script.sees(101 + 100 * index, "clients-1", "workers-0", if index % 2 == 0 { "available" } else { "busy" });
    }
    script.sees(1_200, "clients-0", "workers-0", "available");
    let events = script.in_order();
    let n = events.last().unwrap().n;
    let check = broken("departed_peers_disappear", &["clients-0", "clients-1"], vec![n], 1_200);
    let story = story(&check, &events, true).unwrap();
    let refused: Vec<_> = story.rows.iter().filter(|it| it.text.contains("refused")).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].text, "is refused: refused nobody listens ×11, until 1.100 s");
    assert_eq!(story.rows.iter().filter(|it| &*it.from == "clients-1").count(), 11, "what differs stays apart");
}

#[test]
fn a_time_line_tells_messages_and_jobs_of_a_run_in_which_nothing_broke() {
    let (_, events) = naive_race();
    let story = timeline(&events, true);
    assert!(story.check.is_empty() && story.sentence.is_empty());
    assert!(story.rows.len() <= TIMELINE_ROWS_MAX);
    assert!(story.rows.windows(2).all(|pair| pair[0].t_ns <= pair[1].t_ns));
    assert_eq!(story.rows.iter().filter(|it| it.text.starts_with("begins job")).count(), 2);
    assert!(story.rows.iter().any(|it| it.text == "job_request" && it.arrived_ns == Some(10_028_000_000)));
    assert_eq!(story.faults.len(), 1);
}

#[test]
fn a_long_time_line_says_how_much_it_leaves_out() {
    let mut script = Script::default();
    for index in 0..200 {
        script.sees(100 + index, "clients-0", "workers-0", if index % 2 == 0 { "available" } else { "busy" });
    }
    let story = timeline(&script.in_order(), true);
    assert_eq!(story.rows.len(), TIMELINE_ROWS_MAX);
    assert!(story.rows.last().unwrap().text.contains("161 more rows"), "{:?}", story.rows.last());
    assert!(timeline(&[], true).rows.is_empty());
}

/// Makes all messages equal: same sender, receiver and content.
fn say_the_same(events: &mut [Event]) {
    for event in events {
        if let Body::Message { digest, .. } = &mut event.body {
            *digest = 7;
        }
    }
}

#[test]
fn a_refusal_names_users_where_the_server_names_peers() {
    let peer = "dfd14297-8d9d-4628-a17c-2ad3c7416c24";
    let mut script = Script::default();
    script.registers(1, "workers-0", peer);
    script.registers(2, "clients-0", "c");
    script.is_refused(9, "clients-0", "WORKER_RESERVED", &format!("`{peer}` is reserved"));
    let events = script.in_order();
    let n = events.last().unwrap().n;
    let story = story(&broken("reservation_always_ends", &["clients-0"], vec![n], 9), &events, true).unwrap();
    assert_eq!(story.rows.last().unwrap().text, "is refused: WORKER_RESERVED `workers-0` is reserved");
}

/// A worker that stays reserved, told of the worker alone.
fn reserved_for_nothing(struck: &[&str]) -> Story {
    let mut script = Script::default();
    script.registers(1, "workers-0", "w");
    script.registers(2, "clients-0", "c");
    script.registers(3, "clients-1", "d");
    script.says(10, ("clients-0", "c"), ("workers-0", "w"), "job_request", "j1", Some(5));
    script.announces(20, "workers-0", "reserved");
    script.fault(30, "crash", "host_killed", struck);
    script.announces(900, "workers-0", "available");
    let events = script.in_order();
    let n = events.last().expect("events").n;
    let check = broken("reservation_always_ends", &["workers-0"], vec![n], 900);
    story(&check, &events, true).expect("a story")
}

#[test]
fn the_few_that_a_fault_struck_are_part_of_the_story_and_a_crowd_is_not() {
    let told = reserved_for_nothing(&["clients-1"]);
    assert!(told.lanes.contains(&"clients-1".into()), "{:?}", told.lanes);
    assert_eq!(told.faults[0].lanes, ["clients-1".into()]);
    let told = reserved_for_nothing(&["clients-1", "clients-2", "clients-3"]);
    assert!(!told.lanes.contains(&"clients-1".into()), "{:?}", told.lanes);
    assert!(told.faults.is_empty(), "{:?}", told.faults);
}

#[test]
fn one_that_would_stand_alone_is_told_with_its_partner() {
    let told = reserved_for_nothing(&["clients-1", "clients-2", "clients-3"]);
    assert!(told.lanes.contains(&"clients-0".into()), "{:?}", told.lanes);
    assert!(told.rows.iter().any(|row| row.text == "job_request" && row.to.as_deref() == Some("workers-0")));
}

#[test]
fn whoever_was_the_same_peer_is_part_of_the_story() {
    let mut script = Script::default();
    script.registers(1, "old-0", "w");
    script.registers(2, "clients-0", "c");
    script.registers(30, "new-0", "w");
    script.sees(40, "clients-0", "other", "available");
    let events = script.in_order();
    let n = events.last().unwrap().n;
    let registered = events.iter().rfind(|event| &*event.user == "new-0").unwrap().n;
    let check = broken("acknowledged_status_is_seen", &["w", "clients-0"], vec![registered, n - 1, n], 50);
    let told = story(&check, &events, true).unwrap();
    let marks: Vec<_> = told.rows.iter().map(|row| row.mark.as_str()).filter(|mark| !mark.is_empty()).collect();
    assert_eq!(marks, ["this was acknowledged", "not what was acknowledged"]);
    assert!(["old-0", "new-0"].iter().all(|lane| told.lanes.contains(&(*lane).into())), "{:?}", told.lanes);
}

#[test]
fn a_fault_of_one_moment_stands_in_its_order_among_the_rows() {
    let mut script = Script::default();
    script.registers(1, "workers-0", "w");
    script.fault(20, "cut", "partition begins", &["workers-0"]);
    script.fault(50, "cut", "partition healed", &["workers-0"]);
    script.announces(50, "workers-0", "available");
    let events = script.in_order();
    let n = events.last().unwrap().n;
    let columns = story_columns(&story(&broken("c", &["workers-0"], vec![n], 50), &events, true).unwrap());
    let place = |word: &str| columns.find(word).unwrap_or_else(|| panic!("no {word}: {columns}"));
    assert!(place("ends for") < place("announces"), "{columns}");
}

#[test]
fn what_only_the_run_did_has_no_lane_and_so_no_story() {
    let mut script = Script::default();
    script.fault(5, "cut", "partition begins", &["clients-0"]);
    assert!(story(&broken("nothing_is_left_behind", &[], vec![0], 5), &script.in_order(), true).is_none());
}

#[test]
fn without_evidence_there_is_no_story() {
    let (mut check, events) = naive_race();
    assert!(story(&check, &[], true).is_none());
    check.verdict = Verdict::Broken { evidence: Vec::new() };
    assert!(story(&check, &events, true).is_none());
    check.verdict = Verdict::Holds;
    assert!(story(&check, &events, true).is_none());
}

fn broken(name: &str, users: &[&str], events: Vec<u64>, until_ms: i64) -> CheckVerdict {
    let evidence = Evidence {
        sentence: "something is wrong".to_owned(),
        from_ns: 0,
        until_ns: until_ms * 1_000_000,
        users: users.iter().map(|&it| it.into()).collect(),
        events,
    };
    CheckVerdict {
        name: name.to_owned(),
        property: name.replace('_', " "),
        verdict: Verdict::Broken { evidence: vec![evidence] },
        judged: 1,
        judged_what: "discoveries".to_owned(),
        violations: 1,
    }
}
