//! Any valid scenario, made of the parts of the language that play together: groups with pace and churn, flows with branches,
//! spans and repetitions, rooms, rows and arrivals, faults of all kinds, checks of the file's own, parameters and variants.
//! Used by `printing` here and by `sim`, which plays them.

use proptest::prelude::*;

fn workers() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("count = 2\njob = '2s'"),
        Just("rooms = { per_room = 1 }\njob = { exponential = '1s' }\nstrategy = 'reservation'"),
        Just("count = 3\nrooms = 'zipf'\nstrategy = 'reject_when_busy'\ndefects = ['no_busy_rejection']"),
        Just("count = 2\nchurn = { stay = '4s', leave = { clean = 1, abrupt = 1, silent = 1 }, back = '1s' }"),
    ]
}

fn clients() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("count = 3\njobs = 2"),
        Just("arrive = [{ burst = 2 }, { pause = '1s' }, { rate = 1.0, for = '3s' }]\nask = 1"),
        Just("count = 2\npace = { rate = 1.0 }\ndrop_when_late = '1s'"),
        Just("count = 2\npace = { every = '3s' }\nchurn = { stay = { exponential = '5s' }, leave = 'abrupt' }"),
    ]
}

/// Steps that may follow a join in any order. What is sent goes to the user itself.
fn step() -> impl Strategy<Value = String> {
    let say = "{ span = 'echo', send = { to = '${user.peer_id}', payload = { app_message_type = 'say', text = '${row.text}' } } }";
    let heard = "{ message = { payload = { text = 'a' } }, then = [{ think = '100ms' }] }, { message = { type = 'peer_message' }, then = 'again' }, { message = { type = 'error' }, then = 'stop' }";
    prop_oneof![
        Just("'discover'".to_owned()),
        Just(say.to_owned()),
        Just(format!("{{ span = 'echo', within = '2s', otherwise = 'continue', expect_one_of = [{heard}] }}")),
        Just("{ expect_none = { type = 'offer' }, for = '300ms' }".to_owned()),
        Just("{ expect = { type = 'peer_message' }, within = '500ms', otherwise = 'continue' }".to_owned()),
        Just("{ update_metadata = { properties = { blob = '${filler.300}', n = '${repetition}' } } }".to_owned()),
        Just("{ meet = 'here', within = '1s', otherwise = 'continue' }".to_owned()),
        Just("{ at = '4s' }".to_owned()),
        Just("{ raw = '{ broken' }".to_owned()),
        Just("{ malformed = 'long_ping' }".to_owned()),
        Just("{ stop_reading = '700ms' }".to_owned()),
        Just("{ expect_close = {}, within = '300ms', otherwise = 'continue' }".to_owned()),
        Just("{ http = { path = '/health' } }".to_owned()),
        Just("{ reconnect = { ending = 'abrupt', after = '200ms' } }".to_owned()),
        Just("{ reconnect = { ending = 'silent' } }".to_owned()),
        Just(format!("{{ repeat = {{ times = 2, steps = [{say}, {{ think = {{ uniform = ['0s', '1s'] }} }}] }} }}")),
        Just(
            "{ repeat = { times = 3, every = '500ms', until = { n = 1 }, steps = [{ discover = {}, save = { n = '/count' }, otherwise = 'continue' }] }, otherwise = 'continue' }"
                .to_owned()
        ),
    ]
}

/// One of each kind, at a time, after a message, or as often as its victims come back.
fn fault() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("do = 'partition'\nbetween = ['workers', 'server']\nat = { uniform = ['1s', '6s'] }\nfor = '2s'"),
        Just(
            "do = 'latency'\nbetween = ['clients', 'server']\nadded = { uniform = ['10ms', '300ms'] }\nat = '2s'\nfor = '3s'"
        ),
        Just("do = 'loss'\nbetween = [{ users = 'peers', pick = 1 }, 'server']\nshare = 0.2\nat = '3s'\nfor = '3s'"),
        Just("do = 'bandwidth'\nbetween = ['peers', 'server']\nlimit = '64KiB/s'\nat = '1s'\nfor = '4s'"),
        Just(
            "do = 'kill'\nwho = { users = 'workers', pick = 1 }\nwhen = { sends = { type = 'peer_message' }, after = '20ms' }\nback = '1s'"
        ),
        Just("do = 'lose'\nwho = { users = 'peers', share = 0.5 }\nat = '4s'"),
        Just("do = 'stop'\nwho = 'server'\nat = '5s'\nback = '1s'"),
        Just("do = 'pause'\nwho = { users = 'clients', pick = 1 }\nat = '2s'\nfor = '5s'"),
        Just("do = 'clock_skew'\nwho = 'workers'\nat = '1s'\noffset = { uniform = ['-3s', '3s'] }\ndrift = 0.01"),
    ]
}

/// Checks of the file's own; each may hold or be broken.
fn check() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("never = { receives = { type = 'error' } }"),
        Just("at_most_once = { sends = { app_message_type = 'job_request', job_id = '?job' } }\nby = 'job'"),
        Just(
            "answered = { from = { event = 'closed' }, to = { event = 'ok', op = 'register' }, within = '5s' }\nby = 'user'"
        ),
        Just("sometimes = { event = 'began', op = 'job' }"),
        Just(
            "exclusive = { from = { event = 'began', op = 'job' }, to = { event = 'ended', op = 'job' } }\nby = 'user'"
        ),
    ]
}

prop_compose! {
    /// The text of a scenario.
    pub fn scenario()(
        rooms in 1u32..4,
        workers in workers(),
        clients in clients(),
        peers in 1u32..4,
        steps in prop::collection::vec(step(), 0..8),
        faults in prop::collection::vec(fault(), 0..3),
        checks in prop::collection::vec(check(), 0..2),
        swarm in any::<bool>(),
        ending in prop::sample::select(vec!["'stop'", "'disconnect'", "{ disconnect = 'silent' }", "{ repeat = { steps = ['discover'] } }"]),
    ) -> String {
        // Whatever repeats without end needs a pace.
        let pace = if ending.contains("repeat") { "pace = { rate = 3.0, gaps = 'even' }\n" } else { "" };
        let named = |kind: &str, all: &[&str]| -> String {
            all.iter().enumerate().map(|(n, lines)| format!("[{kind}.{kind}-{n}]\n{lines}\n")).collect()
        };
        let steps = steps.into_iter().chain([ending.to_owned()]).collect::<Vec<_>>().join(", ");
        // A flow that nothing leads to is a fault.
        let is_branched = steps.contains("then = 'again'");
        let again = if is_branched { "[flow.again]\nsteps = [{ span = 'echo', think = '50ms' }]\n" } else { "" };
        format!(
            "format = 1\nexpect = 'either'\n[params]\nmeasure = '12s'\n[variants.short]\nmeasure = {{ simulated = '10s', live = '9s' }}\n\
             [variants.long]\n[search]\nswarm = {swarm}\n{}{}[time]\nmeasure = '${{measure}}'\nsettle = '5s'\n[rooms]\ncount = {rooms}\n[users.workers]\n{workers}\n\
             [users.clients]\n{clients}\nrooms = 0\n[users.peers]\ncount = {peers}\nflow = 'talk'\nrows = [{{ text = 'a' }}, {{ text = 'b' }}]\n{pace}\
             [flow.talk]\nsteps = ['join', {steps}]\n{again}",
            named("faults", &faults),
            named("check", &checks),
        )
    }
}
