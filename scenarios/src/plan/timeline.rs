//! A plan as a readable time-line: seconds, who, what, for `rehearsal plan`. The steps of each group follow once, since
//! all its users play the same. Neighbours: `plan` (what is printed). Left out: colours; the caller's terminal decides.

use crate::distribution::{Distribution, Nanos};
use crate::language::units;
use crate::plan::{
    Behaviour, Branch, ChurnPlan, Drawn, Ending, Expectation, Otherwise, Plan, Service, Step, UserPlan, Verb, World,
    fault_text,
};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The time-line of a plan.
pub fn timeline(plan: &Plan) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write_timeline(&mut text, plan);
    text
}

fn write_timeline(out: &mut String, plan: &Plan) -> std::fmt::Result {
    let world = match plan.world {
        World::Simulated => "simulated",
        World::Live => "live",
    };
    writeln!(out, "{}, seed {}, {world}", plan.scenario, plan.seed)?;
    if !plan.about.is_empty() {
        writeln!(out, "{}", plan.about)?;
    }
    writeln!(out, "{}; expected: {}", population(plan), expectation(&plan.expect))?;
    if !plan.parameters.is_empty() {
        let said: Vec<String> = plan.parameters.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        writeln!(out, "with {}", said.join(", "))?;
    }
    if !plan.drawn.is_empty() {
        writeln!(out, "drew {}", drawn_text(&plan.drawn))?;
    }
    if !plan.system.defects.is_empty() {
        writeln!(out, "the server has defects: {}", plan.system.defects.join(", "))?;
    }
    writeln!(out)?;
    let names =
        plan.users.iter().map(|user| user.name.as_str()).chain(plan.faults.iter().map(|fault| fault.name.as_str()));
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0).max("measure".len());
    let mut lines = moments(plan);
    lines.sort_by_key(|line| line.at_ns);
    for line in lines {
        writeln!(out, "{}  {:width$}  {}", seconds(line.at_ns), line.who, line.what)?;
    }
    let waiting = plan.faults.iter().filter_map(fault_text::waiting);
    let further: Vec<String> = waiting.chain(fault_text::network(&plan.network)).collect();
    if !further.is_empty() {
        writeln!(out, "\n{}", further.join("\n"))?;
    }
    write_steps_of_groups(out, plan)
}

/// What a seed drew for itself, in one line.
pub fn drawn_text(drawn: &[Drawn]) -> String {
    let one = |drawn: &Drawn| format!("{} {}", drawn.what, drawn.value);
    drawn.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A duration for a reader: drawn ones have nanoseconds that nobody wants to read.
pub(super) fn duration_text(nanos: Nanos) -> String {
    const MILLISECOND: Nanos = 1_000_000;
    let is_long = nanos >= 10 * MILLISECOND;
    units::duration_text(if is_long { nanos / MILLISECOND * MILLISECOND } else { nanos })
}

/// A line of the time-line.
struct Moment {
    at_ns: Nanos,
    who: String,
    what: String,
}

fn moments(plan: &Plan) -> Vec<Moment> {
    let mut moments = Vec::new();
    let mut add = |at_ns, who: &str, what: String| moments.push(Moment { at_ns, who: who.to_owned(), what });
    let Phases { ramp, warmup, measured } = phases(plan);
    let makes = plan.system.service == Service::Reference;
    if makes {
        let within = duration_text(plan.phases.prepare_ns);
        add(0, "prepare", format!("rooms and sign-ins before time 0, within {within}"));
    }
    if ramp > 0 {
        add(0, "ramp", format!("users arrive for {}", duration_text(ramp)));
    }
    if warmup > 0 {
        add(ramp, "warm-up", format!("for {}", duration_text(warmup)));
    }
    let judged = if plan.thresholds.is_empty() { "" } else { "; thresholds judge from here" };
    add(measured.start, "measure", format!("for at most {}{judged}", duration_text(measured.end - measured.start)));
    for user in &plan.users {
        add(user.start_ns, &user.name, user_text(plan, user));
    }
    for fault in &plan.faults {
        if let Some(at_ns) = fault.at_ns() {
            add(at_ns, &fault.name, fault_text::doing(fault));
        }
        if let Some((at_ns, end)) = fault_text::end(fault) {
            add(at_ns, &fault.name, end.to_owned());
        }
    }
    add(measured.end, "settle", format!("everything heals, no new work, for {}", duration_text(plan.phases.settle_ns)));
    let clean_up = format!("clean up within {}, then the verdict", duration_text(plan.phases.cleanup_ns));
    add(plan.end_ns(), "end", if makes { clean_up } else { "the verdict".to_owned() });
    moments
}

struct Phases {
    ramp: Nanos,
    warmup: Nanos,
    measured: std::ops::Range<Nanos>,
}

fn phases(plan: &Plan) -> Phases {
    Phases { ramp: plan.phases.ramp_ns, warmup: plan.phases.warmup_ns, measured: plan.phases.measured() }
}

fn population(plan: &Plan) -> String {
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let hosts: BTreeSet<&str> = plan.users.iter().map(|user| user.host.as_str()).collect();
    format!(
        "{} in {} on {}, {}",
        count(plan.users.len(), "user"),
        count(plan.rooms.len(), "room"),
        count(hosts.len(), "host"),
        count(plan.system.servers as usize, "server"),
    )
}

fn expectation(expect: &Expectation) -> String {
    match expect {
        Expectation::Holds => "holds".to_owned(),
        Expectation::Either => "either".to_owned(),
        Expectation::Broken(checks) if checks.is_empty() => "broken".to_owned(),
        Expectation::Broken(checks) => format!("broken ({})", checks.join(", ")),
        Expectation::Checks { broken, either } if broken.is_empty() => format!("either ({})", either.join(", ")),
        Expectation::Checks { broken, either } => {
            format!("broken ({}), either ({})", broken.join(", "), either.join(", "))
        }
    }
}

fn user_text(plan: &Plan, user: &UserPlan) -> String {
    let room = plan.rooms.get(user.room as usize).map_or("", String::as_str);
    let what = match &user.behaviour {
        Behaviour::Worker(worker) => {
            let defects = match worker.defects.as_slice() {
                [] => String::new(),
                defects => format!(", defects {}", defects.join(" ")),
            };
            format!("worker, {}, jobs take {}{defects}", strategy(worker.strategy), random(&worker.job))
        }
        Behaviour::Client(client) => {
            let jobs = match (client.jobs, &client.pace) {
                (1, _) => "1 job".to_owned(),
                (u32::MAX, Some(pace)) => format!("a job every {}", random(&pace.every)),
                (jobs, None) => format!("{jobs} jobs"),
                (jobs, Some(pace)) => format!("{jobs} jobs, one every {}", random(&pace.every)),
            };
            format!("client, {}, wants {jobs}, asks {}", strategy(client.strategy), client.ask)
        }
        Behaviour::Flow(steps) => format!("{}, plays {} steps", user.role, count_steps(steps)),
    };
    let stays = user.churn.as_deref().map(churn_text).unwrap_or_default();
    format!("{room}  {what}{stays}  (host {})", user.host)
}

fn churn_text(churn: &ChurnPlan) -> String {
    let total: f64 = churn.leave.iter().map(|(_, weight)| weight).sum();
    let ways = churn.leave.iter().map(|(way, weight)| match way {
        _ if churn.leave.len() == 1 => ending(*way).to_owned(),
        _ => format!("{} {:.0} %", ending(*way), 100.0 * weight / total),
    });
    let back = churn.back.as_ref().map_or("for good".to_owned(), |back| format!("back after {}", random(back)));
    format!(", stays {}, leaves {}, {back}", random(&churn.stay), ways.collect::<Vec<_>>().join(" or "))
}

fn strategy(strategy: crate::plan::Strategy) -> &'static str {
    match strategy {
        crate::plan::Strategy::RejectWhenBusy => "reject_when_busy",
        crate::plan::Strategy::MetadataFirst => "metadata_first",
        crate::plan::Strategy::Reservation => "reservation",
    }
}

fn count_steps(steps: &[Step]) -> usize {
    let inner = |step: &Step| step.verb.inside().into_iter().map(count_steps).sum::<usize>();
    steps.len() + steps.iter().map(inner).sum::<usize>()
}

fn write_steps_of_groups(out: &mut String, plan: &Plan) -> std::fmt::Result {
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    for user in &plan.users {
        if let Behaviour::Flow(steps) = &user.behaviour
            && shown.insert(&user.group)
        {
            writeln!(out, "\nsteps of {}", user.group)?;
            write_steps(out, steps, 1)?;
        }
    }
    Ok(())
}

fn write_steps(out: &mut String, steps: &[Step], depth: usize) -> std::fmt::Result {
    for (index, step) in steps.iter().enumerate() {
        let indent = depth * 2;
        let name = if step.name == step.verb.word() { String::new() } else { format!("  [{}]", step.name) };
        let otherwise = match step.otherwise {
            Otherwise::Fail => "",
            Otherwise::Stop => ", otherwise stop",
            Otherwise::Continue => ", otherwise continue",
        };
        let span = step.span.as_ref().map_or_else(String::new, |span| format!(", in span {span:?}"));
        let saved: Vec<String> = step.save.iter().map(|(name, pointer)| format!(", {name} = {pointer}")).collect();
        let line = format!("{}{}{otherwise}{span}{name}", verb(&step.verb), saved.concat());
        writeln!(out, "{:indent$}{:>2}  {}", "", index + 1, line.trim_end())?;
        match &step.verb {
            Verb::Repeat { steps, .. } => write_steps(out, steps, depth + 2)?,
            Verb::ExpectOneOf { branches, .. } => write_branches(out, branches, depth + 2)?,
            _ => {}
        }
    }
    Ok(())
}

fn write_branches(out: &mut String, branches: &[Branch], depth: usize) -> std::fmt::Result {
    for branch in branches.iter().filter(|branch| !branch.steps.is_empty()) {
        writeln!(out, "{:indent$}after {}", "", branch.pattern, indent = depth * 2)?;
        write_steps(out, &branch.steps, depth + 1)?;
    }
    Ok(())
}

fn verb(verb: &Verb) -> String {
    let rest = match verb {
        Verb::Join | Verb::Connect | Verb::Register => String::new(),
        Verb::Discover { filters, retry } => {
            let again = retry.map_or_else(String::new, |retry| {
                format!(", again every {} for {}", duration_text(retry.every_ns), duration_text(retry.for_ns))
            });
            format!("{filters}{again}")
        }
        Verb::UpdateMetadata { metadata } => metadata.to_string(),
        Verb::Send { to, payload } => format!("to {to} {payload}"),
        Verb::Raw { message } => message.to_string(),
        Verb::Expect { pattern, within_ns } => format!("{pattern} within {}", duration_text(*within_ns)),
        Verb::ExpectOneOf { branches, within_ns } => {
            let patterns: Vec<String> = branches.iter().map(|branch| branch.pattern.to_string()).collect();
            format!("{} within {}", patterns.join(" or "), duration_text(*within_ns))
        }
        Verb::ExpectNone { pattern, for_ns } => format!("{pattern} for {}", duration_text(*for_ns)),
        Verb::ExpectClose { code, within_ns } => {
            let code = code.map_or_else(String::new, |code| format!("with code {code} "));
            format!("{code}within {}", duration_text(*within_ns))
        }
        Verb::Malformed(malformed) => malformed.word().to_owned(),
        Verb::Http { method, path, .. } => format!("{method} {path}"),
        Verb::At(at_ns) => duration_text(*at_ns),
        Verb::Stop => String::new(),
        Verb::Think(pause) | Verb::StopReading(pause) => random(pause),
        Verb::Repeat { times, every, until, .. } => {
            let times = match (times, until) {
                (None, _) => "until measure ends".to_owned(),
                (Some(times), None) => format!("{times} times"),
                (Some(times), Some(until)) => format!("until {until}, at most {times} times"),
            };
            let every = every.as_ref().map_or_else(String::new, |every| format!(", every {}", random(every)));
            format!("{times}{every}")
        }
        Verb::Meet { point, count, within_ns } => {
            format!("at {point}, {count} users, within {}", duration_text(*within_ns))
        }
        Verb::Disconnect(end) => ending(*end).to_owned(),
        Verb::Reconnect { ending: end, after } => format!("{}, after {}", ending(*end), random(after)),
    };
    format!("{} {rest}", verb.word()).trim_end().to_owned()
}

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Clean => "clean",
        Ending::Abrupt => "abrupt",
        Ending::Silent => "silent",
    }
}

pub(super) fn random(distribution: &Distribution) -> String {
    match distribution {
        Distribution::Fixed(value) => duration_text(*value),
        Distribution::Uniform(low, high) => format!("{}..{}", duration_text(*low), duration_text(*high)),
        Distribution::Exponential(mean) => format!("about {}", duration_text(*mean)),
        Distribution::Lognormal { p50, p99 } => format!("p50 {} p99 {}", duration_text(*p50), duration_text(*p99)),
        Distribution::Pick { values, .. } => {
            format!("one of {}", values.iter().map(|value| duration_text(*value)).collect::<Vec<_>>().join(" "))
        }
    }
}

fn seconds(nanos: Nanos) -> String {
    let millis = nanos / 1_000_000;
    format!("{:>8}.{:03}", millis / 1_000, millis % 1_000)
}
