//! How users leave a live run: who has nothing left to do disturbs nobody whose answer is still to come.

use crate::live_runs::{options, run_quietly};
use crate::support::{MS, Served, plan, step, user};
use rehearsal_loadgen::live::files::EVENTS;
use rehearsal_reference::server::ServerOptions;
use rehearsal_reports::event::{Event, Kind};
use rehearsal_reports::record::EventReader;
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{Behaviour, Otherwise, Step, Verb};
use serde_json::json;
use std::fs::File;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_leaves_while_an_answer_is_still_waited_for() {
    let served = Served::start(ServerOptions::default()).await;
    let out = tempfile::tempdir().unwrap();
    let never = Verb::Expect { pattern: json!({ "type": "never" }), within_ns: 500 * MS };
    let waits = Step { name: "waits".into(), otherwise: Otherwise::Continue, ..step(never) };
    let look = step(Verb::Discover { filters: json!({}), retry: None });
    let every = Some(Distribution::Fixed(60_000 * MS));
    let looks = step(Verb::Repeat { times: None, first: None, until: None, every, steps: vec![look] });
    let mut plan = plan(vec![
        user(0, "waiters", 0, Behaviour::Flow(vec![step(Verb::Join), waits].into())),
        user(1, "lookers", 0, Behaviour::Flow(vec![step(Verb::Join), looks].into())),
    ]);
    plan.phases.measure_ns = 200 * MS;
    plan.phases.settle_ns = 20_000 * MS;
    let run = run_quietly(plan, options(served.target(), &out)).await.unwrap();
    let events = EventReader::new(File::open(run.record.join(EVENTS)).unwrap()).unwrap();
    let events: Vec<Event> = events.map(Result::unwrap).collect();
    let place = |what: &dyn Fn(&Event) -> bool| events.iter().position(|event| event.t_ns >= 0 && what(event)).unwrap();
    let measured = place(&|event| event.kind == Kind::Ended && &*event.op == "measure");
    let waited = place(&|event| event.kind == Kind::Failed && &*event.op == "waits");
    let idle_one_left = place(&|event| event.kind == Kind::Closed && event.user.starts_with("lookers"));
    assert!(measured < waited && waited < idle_one_left, "{measured} {waited} {idle_one_left}");
}
