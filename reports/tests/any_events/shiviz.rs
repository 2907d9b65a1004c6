//! A strict reader of ShiViz logs, after what ShiViz itself demands: its expression `(?<event>.*)\n(?<host>\S*)
//! (?<clock>{.*})` over the whole text, own entries that count from 1 without a gap, entries of known hosts and existing
//! events only, and clocks that are exactly what the messages explain.

use serde_json::Value;
use std::collections::BTreeMap;

type Clock = BTreeMap<String, u64>;

/// Fails with the first line that ShiViz would refuse or misread.
pub fn read(log: &str) -> Result<usize, String> {
    let events = parsed(log)?;
    let mut of_host: BTreeMap<&str, Vec<&Clock>> = BTreeMap::new();
    for (host, clock) in &events {
        of_host.entry(host).or_default().push(clock);
    }
    for (host, clocks) in &of_host {
        for (place, clock) in clocks.iter().enumerate() {
            if clock.get(*host) != Some(&(place as u64 + 1)) {
                return Err(format!("event {place} of {host} has its own clock at {:?}", clock.get(*host)));
            }
            explained(host, clock, place.checked_sub(1).map(|before| clocks[before]), &of_host)?;
        }
    }
    Ok(events.len())
}

/// Two lines an event. What a browser's dot does not match would end an event early.
fn parsed(log: &str) -> Result<Vec<(String, Clock)>, String> {
    if log.contains(['\r', '\u{2028}', '\u{2029}']) {
        return Err("a line ends where no event ends".to_owned());
    }
    let lines: Vec<&str> = log.lines().collect();
    let event = |pair: &[&str]| {
        let [text, clock] = pair else { return Err("the last event has no clock".to_owned()) };
        let (host, json) = clock.split_once(' ').ok_or_else(|| format!("no host in {clock:?}"))?;
        if text.trim().is_empty() || host.is_empty() || host.contains(char::is_whitespace) {
            return Err(format!("event {text:?} of host {host:?}"));
        }
        let Ok(Value::Object(entries)) = serde_json::from_str(json) else { return Err(format!("no clock: {json:?}")) };
        let entry = |(host, time): (String, Value)| time.as_u64().filter(|time| *time > 0).map(|time| (host, time));
        let clock: Option<Clock> = entries.into_iter().map(entry).collect();
        Ok((host.to_owned(), clock.ok_or_else(|| format!("a time that is no count: {json}"))?))
    };
    lines.chunks(2).map(event).collect()
}

/// Each entry comes from the event before, or from an event of another host whose whole clock came along.
fn explained(
    host: &str,
    clock: &Clock,
    before: Option<&Clock>,
    all: &BTreeMap<&str, Vec<&Clock>>,
) -> Result<(), String> {
    let mut expected = before.cloned().unwrap_or_default();
    *expected.entry(host.to_owned()).or_default() += 1;
    if before.is_some_and(|before| before.iter().any(|(other, time)| clock.get(other) < Some(time))) {
        return Err(format!("{host} forgets what it knew: {clock:?} after {before:?}"));
    }
    for (other, time) in clock.iter().filter(|(other, _)| *other != host) {
        let known = all.get(&**other).and_then(|events| events.get(*time as usize - 1));
        let theirs =
            known.ok_or_else(|| format!("{host} knows of event {time} of {other}, which is not in the log"))?;
        if expected.get(other).is_none_or(|known| known < time) {
            for (third, time) in *theirs {
                let known = expected.entry(third.clone()).or_default();
                *known = (*known).max(*time);
            }
        }
    }
    if &expected == clock { Ok(()) } else { Err(format!("{host} should have {expected:?} and has {clock:?}")) }
}
