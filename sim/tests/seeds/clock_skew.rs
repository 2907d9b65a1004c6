//! Clocks of hosts that are wrong: a wall clock that is ahead judges tokens too early, timers that are too fast end things
//! too early, and each near miss does not.

use crate::scenes::{broken, faults, played, race_with, twice};
use rehearsal_reports::event::{Body, Event, Kind};
use rehearsal_sim::seed::SeedRun;

fn skewed(who: &str, skew: &str) -> String {
    race_with(&format!("[faults.clocks]\ndo = \"clock_skew\"\nwho = \"{who}\"\nat = \"0s\"\n{skew}"))
}

/// How often users were told that their token has expired.
fn expired(run: &SeedRun) -> usize {
    let is_refusal = |event: &&Event| {
        let Body::Error { code, message, .. } = &event.body else { return false };
        event.kind == Kind::Failed && &*event.op == "register" && format!("{code} {message}").contains("xpired")
    };
    run.events.iter().filter(is_refusal).count()
}

/// How long the jobs took, in seconds.
fn jobs_s(run: &SeedRun) -> Vec<f64> {
    let ends = run.events.iter().filter(|event| event.kind == Kind::Ended && &*event.op == "job");
    let lasted = |end: &Event| {
        let Body::Job { job, .. } = &end.body else { return None };
        let is_begin = |event: &&Event| {
            event.kind == Kind::Began && matches!(&event.body, Body::Job { job: begun, .. } if begun == job)
        };
        let begin = run.events.iter().find(is_begin)?;
        Some((end.t_ns - begin.t_ns) as f64 / 1e9)
    };
    ends.filter_map(lasted).collect()
}

#[test]
fn a_server_whose_clock_is_ahead_finds_tokens_expired_that_are_good_and_one_that_is_a_little_ahead_does_not() {
    let far = played(&skewed("server", "offset = \"61m\""), 1);
    assert_eq!(far.failure, None);
    assert!(expired(&far) > 0, "tokens live for an hour");
    let told: Vec<_> = faults(&far).into_iter().map(|(word, _)| word).collect();
    assert_eq!(told, ["clock skew begins", "clock skew ends"]);
    let done = far.events.iter().filter(|event| &*event.op == "request_job" && event.kind == Kind::Ok).count();
    assert!(done > 0, "they sign in again, and go on with tokens of the same clock");
    for near in ["offset = \"59m\"", "offset = \"-61m\""] {
        assert_eq!(expired(&played(&skewed("server", near), 1)), 0, "{near}");
    }
}

#[test]
fn jobs_of_a_worker_whose_timers_run_twice_as_fast_take_half_the_time() {
    // 2 s to 3 s by the worker's own clock.
    for (skew, least, most) in [
        ("drift = 1", 1.0, 1.51),
        ("drift = -0.5", 4.0, 6.01),
        ("offset = \"1h\"", 2.0, 3.01),
        ("drift = 0.01", 1.98, 2.98),
    ] {
        for seed in 1..=3 {
            let run = played(&skewed("workers", skew), seed);
            assert_eq!(run.failure, None);
            let jobs = jobs_s(&run);
            assert!(!jobs.is_empty());
            assert!(jobs.iter().all(|took| (least..most).contains(took)), "{skew}: {jobs:?}");
            assert!(broken(&run).is_empty(), "{:?}", broken(&run));
        }
    }
}

#[test]
fn a_clock_that_is_drawn_to_be_wrong_is_wrong_in_the_same_way_again() {
    let drawn = skewed("clients", "offset = { uniform = [\"-5s\", \"5s\"] }\ndrift = 0.1\nfor = \"3s\"");
    for seed in 1..=3 {
        let run = twice(&crate::scenes::plan(&drawn, seed));
        assert_eq!(run.failure, None);
        assert!(broken(&run).is_empty(), "{:?}", broken(&run));
    }
}

#[test]
fn steps_of_a_flow_sign_in_again_when_their_token_has_expired_and_keep_their_name() {
    let visit = |steps: &str| {
        format!(
            "format = 1\n[users.visitors]\nrole = \"peer\"\nflow = \"visit\"\nstart = \"1s\"\n[flow.visit]\nsteps = [{steps}]\n\
             [faults.ahead]\ndo = \"clock_skew\"\nwho = \"server\"\nat = \"0s\"\noffset = \"61m\"\n"
        )
    };
    let ask = "{ http = { method = \"POST\", path = \"/create-room\", bearer = true } }";
    for steps in ["\"join\", \"discover\"".to_owned(), format!("{ask}, \"join\"")] {
        let run = played(&visit(&steps), 1);
        assert_eq!(run.failure, None);
        assert!(broken(&run).is_empty(), "{:?}", broken(&run));
        let ok = |op: &str| {
            run.events.iter().filter(|it| it.kind == Kind::Ok && &*it.op == op && &*it.user != "run").count()
        };
        assert_eq!((ok("sign_in"), ok("register")), (1, 1), "{steps}: the first sign-in was the run's for its user");
        let failed =
            run.events.iter().any(|event| event.kind == Kind::Ended && matches!(event.body, Body::Error { .. }));
        assert!(!failed, "{steps}");
    }
}
