//! Files that nobody can play, each with one thing wrong. Neighbours: `main` shows what the reader says of them, `schema` which
//! of them an editor marks.

/// A flow that one user plays.
fn flow(steps: &str) -> String {
    format!("format = 1\n[users.peers]\nflow = 'f'\n[flow.f]\nsteps = [{steps}]\n")
}

fn group(lines: &str) -> String {
    format!("format = 1\n[users.workers]\n[users.clients]\n{lines}\n")
}

/// All of them. What they say last is how they are called.
pub fn wrong() -> Vec<String> {
    let files = [
        String::new(),
        "format = 2\n[users.workers]\n".to_owned(),
        "[users.workers]\n".to_owned(),
        "format = 1\n[users.workers\n".to_owned(),
        "format = 1\n[users]\n".to_owned(),
        "format = 1\n[users.Workers]\nrole = 'worker'\n".to_owned(),
        "format = 1\n[users.helpers]\n".to_owned(),
        "format = 1\n[users.clients]\n".to_owned(),
    ];
    let groups = [
        "cuont = 2",
        "count = 0",
        "count = 'two'",
        "count = 100001",
        "count = { uniform = [0, 4] }",
        "[search]\ndelay_points = 1001",
        "[faults.x]\ndo = 'kill'\nwho = 'workers'\nwhen = { sends = {}, nth = 0 }",
        "start = 5",
        "start = '5 minutes'",
        "start = ['1s', '2s']",
        "job = '5s'",
        "think = { uniform = ['9s', '1s'] }",
        "think = { uniform = ['1s', '2s', '3s'] }",
        "think = { lognormal = { p50 = '9s', p99 = '1s' } }",
        "think = { pick = ['1s', '2s'], weights = [1] }",
        "rooms = 3",
        "rooms = { per_room = 0 }",
        "rooms = { per_room = 2 }\ncount = 4",
        "arrive = 'exponential'",
        "arrive = { rate = 5.0 }",
        "arrive = { rate = 5.0, for = '30s', burst = 3 }",
        "arrive = [{ pause = '5s' }]",
        "count = 3\narrive = { burst = 3 }",
        "pace = 20",
        "pace = { rate = 20.0, every = '1s' }",
        "pace = {}",
        "drop_when_late = 5",
        "churn = {}",
        "churn = { stay = '5s', leave = 'rudely' }",
        "churn = { stay = '5s', leave = { clean = 0 } }",
        "churn = { stay = '5s', back = 'soon' }",
        "rows = 'people.csv'",
        "rows = []",
        "properties.size = { pick = [] }",
        "protocol = 'v1'",
        "flow = 'ask'",
        "[params]\nn = { live = 3 }",
        "[params]\nroom = '${n}'",
        "[variants.a]\nn = 3",
        "[params]\nn = 3\n[users.peers]\nflow = 'f'\ncount = '${n}'\n[flow.f]\nsteps = ['join', { discover = {}, save = { n = '/count' } }]",
        "[users.peers]\nflow = 'f'\n[flow.f]\nsteps = ['join', { discover = {}, save = { repetition = '/count' } }]",
        "[thresholds]\ndiscovery = 'p99 < 1s'",
        "[thresholds]\ndiscover = 'p99 > 1s'",
        "expect = 'fails'",
        "[expect]\nlive = 'maybe'",
        "[expect]\nlive = { either = ['nobody_is_rude'] }",
        "[expect]\nbroken = ['nobody_speaks_for_another']\neither = ['nobody_speaks_for_another']",
        "[expect]\nlive = {}",
        "[[fault]]\ndo = 'kill'\nwho = 'workers'\nat = '1s'",
        "[[faults]]\ndo = 'kill'\nwho = 'workers'\nat = '1s'",
        "[faults.x]\ndo = 'kill'\nwho = 'workers'\nat = '1s'\nname = 'y'",
        "[faults.x]\ndo = 'kill'\nwho = 'workers'",
        "[faults.x]\ndo = 'explode'\nat = '1s'",
        "[faults.x]\ndo = 'partition'\nbetween = ['workers']\nat = '1s'",
        "[faults.x]\ndo = 'pause'\nwho = 'workers'\nat = '1s'\nback = '1s'",
        "[users.server]\nrole = 'client'",
        "[sometimes]\nrefused = true",
        "[checks]\nskip = { nobody_speaks_for_another = '' }",
    ];
    let flows = [
        "",
        "'jion'",
        "'think'",
        "'join', { expect = { type = 'a' }, within = 5 }",
        "'join', { send = { to = '${peer.peers-3}', payload = {} } }",
        "'join', { send = { to = '${nobody}', payload = {} } }",
        "'join', { raw = '${filler.many}' }",
        "'join', { raw = '${row.name}' }",
        "{ think = '1s', retry = {} }",
        "'join', { expect_one_of = [] }",
        "'join', { expect_one_of = [{ then = 'stop' }] }",
        "'join', { expect_one_of = [{ message = {}, then = 'g' }] }",
        "'join', { expect_one_of = [{ message = {}, then = 'f' }] }",
        "'join', { expect_none = { type = 'a' }, within = '1s' }",
        "'join', { expect_close = { code = 99 } }",
        "'join', { malformed = 'rubbish' }",
        "'join', { stop_reading = 5 }",
        "'join', { repeat = { steps = [{ raw = {} }] } }",
        "'join', { repeat = { steps = [{ malformed = 'endless' }] } }",
        "'join', { repeat = { until = { state = 'done' }, steps = ['discover'] } }",
        "{ at = 'noon' }",
        "'join', { span = '', discover = {} }",
        "'discover', 'join'",
        "{ repeat = { times = 2, steps = [{ think = '1s' }, { raw = {} }] } }",
        "'join', 'stop', 'discover'",
        "{ meet = 'here', of = 'others' }",
        "{ http = { path = 'health' } }",
        "{ join = true, connect = true }",
        "'join', { expect = [{ message = { type = 'a' }, then = 'stop' }] }",
        "'join', { expect = { type = 'a' }, then = 'stop' }",
    ];
    let groups = groups.iter().map(|lines| group(lines));
    files.into_iter().chain(groups).chain(flows.iter().map(|steps| flow(steps))).collect()
}
