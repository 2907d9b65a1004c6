//! Single steps and ways to load, each seen in the events of one seed.

use rehearsal_reports::event::{Body, CUT_SHORT, Event, Kind};
use rehearsal_scenarios::plan::{Malformed, World};
use rehearsal_scenarios::{Overrides, load};
use rehearsal_sim::event_log::Keep;
use rehearsal_sim::seed::{SeedOptions, SeedRun, play};
use std::sync::Arc;

fn played(text: &str) -> SeedRun {
    let scenario =
        load("steps", text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{text}\n{faults}"));
    let plan = Arc::new(scenario.plan(1, World::Simulated));
    let run = play(plan, SeedOptions { keep: Keep::Events, ..SeedOptions::default() });
    assert!(run.failure.is_none(), "{:?}", run.failure);
    run
}

/// Two users: `a` says what the steps say, `b` hears it.
fn talk(says: &str, hears: &str) -> SeedRun {
    played(&format!(
        "format = 1\n[time]\nmeasure = '20s'\n[users.a]\nflow = 'say'\n[users.b]\nflow = 'hear'\n\
         [flow.say]\nsteps = ['join', {{ meet = 'both' }}, {says}]\n[flow.hear]\nsteps = ['join', {{ meet = 'both' }}, {hears}]\n"
    ))
}

fn say(text: &str) -> String {
    format!("{{ send = {{ to = '${{peer.b-0}}', payload = {{ app_message_type = 'say', text = '{text}' }} }} }}")
}

fn kinds(run: &SeedRun, op: &str) -> Vec<Kind> {
    run.events.iter().filter(|event| &*event.op == op).map(|event| event.kind).collect()
}

/// How the flow of a user ended.
fn end(run: &SeedRun, user: &str) -> String {
    let is_end = |event: &&Event| &*event.user == user && event.kind == Kind::Ended && &*event.op == "flow";
    match &run.events.iter().find(is_end).expect("it ended").body {
        Body::Text { text } => text.to_string(),
        Body::Error { message, .. } => format!("failed: {message}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_branch_of_the_message_that_comes_is_played_and_its_span_is_one_operation() {
    let one_of = "{ span = 'ask', within = '5s', expect_one_of = [\
                  { message = { payload = { text = 'no' } }, then = 'stop' },\
                  { message = { payload = { text = 'yes' } }, save = { said = '/payload/text' }, then = 'more' }] },\
                  { name = 'never', expect = { type = 'never' }, within = '1s' }";
    let more = "'stop']\n[flow.more]\nsteps = [{ span = 'ask', think = '500ms' }, { raw = { type = 'x', said = '${said}' } }, 'stop'";
    let run = talk(&say("yes"), &format!("{one_of}, {more}"));
    assert_eq!(kinds(&run, "ask"), [Kind::Invoked, Kind::Ok]);
    let times: Vec<i64> = run.events.iter().filter(|event| &*event.op == "ask").map(|event| event.t_ns).collect();
    assert!(times[1] - times[0] >= 500_000_000, "{times:?}");
    assert_eq!((end(&run, "b-0").as_str(), kinds(&run, "never").len()), ("stopped", 0));
    let run = talk(&say("no"), &format!("{one_of}, {more}"));
    assert_eq!(kinds(&run, "ask"), [Kind::Invoked, Kind::Failed], "the flow ended within the span");
    assert_eq!(end(&run, "b-0"), "stopped");
}

#[test]
fn a_message_that_was_not_to_come_fails_the_step_and_silence_does_not() {
    let none = "{ expect_none = { payload = { text = 'bad' } }, for = '2s' }";
    assert!(end(&talk(&say("bad"), none), "b-0").contains("unexpected: this was not to come"));
    let run = talk(&say("good"), none);
    assert_eq!(end(&run, "b-0"), "finished");
    let unmatched = run.events.iter().find(|event| &*event.op == "unmatched").expect("it is counted");
    assert_eq!(unmatched.body, Body::Text { text: "1 peer_message".into() });
}

/// One user that does these steps after it joined.
fn alone(steps: &str) -> SeedRun {
    played(&format!(
        "format = 1\n[time]\nmeasure = '20s'\n[users.b]\nflow = 'f'\n[flow.f]\nsteps = ['join', {steps}]\n"
    ))
}

#[test]
fn each_malformed_frame_ends_the_connection_with_its_code_and_a_proper_one_does_not() {
    let codes = [1002, 1002, 1002, 1009, 1002, 1002, 1007];
    for (word, code) in Malformed::WORDS.into_iter().zip(codes) {
        let steps = format!("{{ malformed = '{word}' }}, {{ name = 'end', expect_close = {{ code = {code} }} }}");
        let run = alone(&steps);
        assert_eq!((end(&run, "b-0").as_str(), kinds(&run, "end").len()), ("finished", 2), "{word}");
    }
    let other = alone("{ malformed = 'not_utf8' }, { expect_close = { code = 1002 } }");
    assert!(end(&other, "b-0").contains("not with code 1002: "), "{}", end(&other, "b-0"));
    let proper = alone("{ raw = { type = 'x' } }, { expect_close = {}, within = '2s' }");
    assert!(
        end(&proper, "b-0").contains("timed_out: the connection is still there after 2s"),
        "{}",
        end(&proper, "b-0")
    );
}

#[test]
fn how_a_connection_ended_can_be_kept() {
    let kept = "{ malformed = 'endless' }, { expect_close = {}, save = { code = '/code' } }, \
                { reconnect = { after = '100ms' } }, { name = 'said', raw = { type = 'x', code = '${code}' } }";
    let run = alone(kept);
    assert_eq!(end(&run, "b-0"), "finished");
    let said: Vec<String> =
        run.events.iter().filter(|event| &*event.op == "said").map(|it| format!("{it:?}")).collect();
    assert!(said.iter().any(|event| event.contains("1009")), "{said:?}");
}

#[test]
fn who_does_not_read_is_cut_off_and_who_thinks_meanwhile_is_not() {
    let told = "{ repeat = { times = 200, steps = [{ send = { to = '${peer.b-0}', \
                payload = { text = '${filler.60000}' } } }] } }";
    let deaf = talk(told, "{ stop_reading = '10s' }, { expect_close = {}, within = '1s' }");
    assert_eq!(end(&deaf, "b-0"), "finished");
    let listening = talk(told, "{ think = '10s' }, { expect_close = {}, within = '1s' }");
    assert!(end(&listening, "b-0").contains("timed_out"), "{}", end(&listening, "b-0"));
}

#[test]
fn a_repetition_ends_when_what_it_waits_for_was_saved_and_fails_if_it_never_is() {
    let heard = "{ repeat = { times = 3, until = { text = 'b' }, steps = [\
                 { expect = { type = 'peer_message' }, within = '2s', save = { text = '/payload/text' } }] } }";
    let run = talk(&["a", "b", "c"].map(say).join(", "), heard);
    assert_eq!((end(&run, "b-0").as_str(), kinds(&run, "expect").len()), ("finished", 4));
    let run = talk(&["a", "c", "d"].map(say).join(", "), heard);
    assert!(end(&run, "b-0").contains("did not come in 3 times"), "{}", end(&run, "b-0"));
}

#[test]
fn what_follows_an_absolute_time_was_planned_for_it() {
    let run = talk("{ at = '7s' }, 'discover'", "{ think = '1s' }");
    let discover = run.events.iter().find(|event| &*event.op == "discover").expect("it discovers");
    assert_eq!(discover.planned_ns, Some(7_000_000_000));
    assert!(discover.t_ns >= 7_000_000_000);
}

#[test]
fn planned_work_of_a_busy_user_is_timed_from_its_plan_or_dropped_and_counted() {
    let text = |late: &str| {
        format!(
            "format = 1\n[time]\nmeasure = '20s'\n[users.a]\nflow = 'slow'\npace = {{ every = '1s' }}\n{late}\n\
             [flow.slow]\nsteps = ['join', {{ repeat = {{ steps = ['discover', {{ think = '4s' }}] }} }}]\n"
        )
    };
    let lateness = |run: &SeedRun| {
        let discovers = run.events.iter().filter(|event| &*event.op == "discover" && event.kind == Kind::Invoked);
        discovers.filter_map(|event| Some(event.t_ns - event.planned_ns?)).max().unwrap_or(0)
    };
    let waits = played(&text(""));
    assert!(lateness(&waits) > 9_000_000_000 && (4..7).contains(&(kinds(&waits, "discover").len() / 2)));
    let why = |run: &SeedRun, code: &str| {
        let is = |event: &&Event| matches!(&event.body, Body::Error { code: told, .. } if &**told == code);
        run.events.iter().filter(|event| &*event.op == "dropped").filter(is).count()
    };
    assert!(why(&waits, "late") == 0 && (13..17).contains(&why(&waits, "cut_short")), "what the end left undone");
    let drops = played(&text("drop_when_late = '2s'"));
    assert!(lateness(&drops) <= 2_000_000_000, "{}", lateness(&drops));
    assert!(why(&drops, "late") > 5);
}

#[test]
fn users_that_churn_leave_in_each_way_and_come_back_as_themselves() {
    let text = "format = 1\n[time]\nmeasure = '60s'\n[users.a]\ncount = 4\nflow = 'look'\n\
                churn = { stay = '5s', leave = { clean = 1, abrupt = 1, silent = 1 }, back = '1s' }\n\
                [flow.look]\nsteps = ['join', { repeat = { every = '1s', steps = ['discover'] } }]\n";
    let run = played(text);
    let closed = |by: &str| {
        let by_whom =
            |event: &&Event| matches!(&event.body, Body::Closed { by: closer, .. } if format!("{closer:?}") == by);
        run.events.iter().filter(by_whom).count()
    };
    assert!(closed("Us") > 4 && closed("Fault") > 4, "{} clean, {} abrupt", closed("Us"), closed("Fault"));
    let silent = run.events.iter().filter(|event| event.kind == Kind::Fault).count();
    assert!(silent > 2, "{silent} fell silent");
    let registered: std::collections::BTreeSet<String> = run
        .events
        .iter()
        .filter_map(|event| match &event.body {
            Body::Register { peer, .. } => Some(peer.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(registered.len(), 4, "each comes back under its own name");
    assert!(!run.is_broken(), "{:?}", run.verdicts);
}

#[test]
fn what_a_busy_user_never_begins_is_counted() {
    let begun = |run: &SeedRun, op: &str| {
        run.events.iter().filter(|event| &*event.op == op && event.kind == Kind::Invoked).count()
    };
    let file = |late: &str, steps: &str| {
        format!(
            "format = 1\n[time]\nmeasure = '10s'\nsettle = '2s'\n[users.a]\nflow = 'slow'\n\
             pace = {{ every = '1s' }}\n{late}\n[flow.slow]\nsteps = ['join', {{ repeat = {{ steps = [{steps}] }} }}]\n"
        )
    };
    // Ten are planned; the first one takes until after the end of the run, or into the settle phase.
    for hang in ["60s", "11s"] {
        for late in ["", "drop_when_late = '1s'"] {
            let steps =
                format!("'discover', {{ expect = {{ type = 'never' }}, within = '{hang}', otherwise = 'continue' }}");
            let run = played(&file(late, &steps));
            let (all, dropped) = (begun(&run, "discover"), begun(&run, "dropped"));
            assert!(all + dropped >= 9 && all == 1, "{hang} {late}: {all} begun, {dropped} dropped");
            let in_measure = |event: &Event| event.planned_ns.is_some_and(|planned| planned < 10_000_000_000);
            assert!(
                run.events
                    .iter()
                    .filter(|event| &*event.op == "dropped" && event.kind == Kind::Invoked)
                    .all(in_measure)
            );
        }
    }
    let quick = played(&file("", "'discover'"));
    assert!(begun(&quick, "discover") >= 9 && begun(&quick, "dropped") == 0);
}

#[test]
fn jobs_that_a_busy_client_never_begins_are_counted() {
    let run = played(
        "format = 1\n[time]\nmeasure = '20s'\nsettle = '20s'\n[users.workers]\njob = '9s'\n\
         [users.clients]\npace = { every = '1s' }\n",
    );
    let count = |op: &str| run.events.iter().filter(|event| &*event.op == op && event.kind == Kind::Invoked).count();
    let begun = run.events.iter().filter(|event| event.kind == Kind::Began && &*event.op == "job").count();
    assert!(begun <= 3 && count("dropped") + begun >= 19, "{begun} begun, {} dropped", count("dropped"));
}

#[test]
fn a_pause_of_ones_own_is_no_response_time() {
    let planned = |run: &SeedRun, op: &str| {
        let first = run.events.iter().find(|event| &*event.op == op && event.kind == Kind::Invoked).expect("it began");
        (first.planned_ns, first.t_ns)
    };
    let thinks = alone("{ at = '5s' }, { think = '2s' }, 'discover'");
    assert_eq!(planned(&thinks, "discover").0, Some(7_000_000_000));
    let run = alone("{ at = '5s' }, { name = 'away', reconnect = { after = '3s' } }");
    let connects: Vec<_> =
        run.events.iter().filter(|event| &*event.op == "connect" && event.kind == Kind::Invoked).collect();
    assert_eq!(connects.last().expect("it came back").planned_ns, Some(8_000_000_000));
    let paced = played(
        "format = 1\n[time]\nmeasure = '9s'\n[users.a]\nflow = 'f'\npace = { every = '3s' }\n\
         [flow.f]\nsteps = ['join', { repeat = { steps = [{ think = '1s' }, 'discover'] } }]\n",
    );
    let (planned_ns, t_ns) = planned(&paced, "discover");
    assert!(t_ns - planned_ns.expect("it was planned") < 100_000_000, "{planned_ns:?} {t_ns}");
}

#[test]
fn a_span_in_which_a_forgiven_step_fails_is_one_operation_that_failed() {
    let run = alone(
        "{ span = 'all', think = '1s' }, \
         { span = 'all', expect = { type = 'never' }, within = '2s', otherwise = 'continue' }, \
         { span = 'all', think = '1s' }",
    );
    assert_eq!(kinds(&run, "all"), [Kind::Invoked, Kind::Failed]);
    let times: Vec<i64> = run.events.iter().filter(|event| &*event.op == "all").map(|event| event.t_ns).collect();
    assert!(times[1] - times[0] >= 4_000_000_000, "{times:?}");
}

#[test]
fn a_repetition_that_the_end_of_the_run_cuts_short_has_not_seen_what_it_waits_for() {
    let run = alone(
        "{ repeat = { times = 100, until = { n = 99 }, steps = [{ discover = {}, save = { n = '/count' } }, { think = '1s' }] } }, { name = 'then', raw = { type = 'x' } }",
    );
    assert!(kinds(&run, "then").is_empty(), "nothing follows");
    let ended = run.events.iter().find(|event| event.kind == Kind::Ended && &*event.op == "flow").expect("it ended");
    assert!(
        matches!(&ended.body, Body::Text { text } if text.starts_with(CUT_SHORT) && text.contains("99")),
        "{ended:?}"
    );
}
