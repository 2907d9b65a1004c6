//! `[abort]`: rules that end a live run politely, such as `"errors > 5% for 10s"`. Neighbours: `thresholds` (what is judged at
//! the end), `observe` (metrics that a rule may be about), `reports::abort` (judges them while a run goes on).

use crate::diagnostics::{Fault, Faults};
use crate::language::flow::Flow;
use crate::language::shape::{Form, Shape, Table, needed};
use crate::language::view::View;
use crate::language::{thresholds, units};
use crate::plan::{AbortRule, Beyond, Watched};
use std::collections::BTreeMap;

/// `[abort]`.
pub(crate) static ABORT: Table = Table {
    name: "`[abort]`",
    doc: "rules that end a live run politely: users leave, everything is removed, the record is written",
    keys: &[needed(
        "when",
        Shape::List(&RULE, 1),
        "Any of these ends the run: `errors > 5% for 10s`, `discover p99 > 2s for 30s`, `health != healthy for 15s`, or a \
         metric of `[observe]`: `server-a active_rooms > 900 for 10s`.",
    )],
    one_of: &[],
    later: &[],
};

const RULE: Shape = Shape::Form(&Form {
    what: "a rule",
    example: "\"errors > 5% for 10s\", \"discover p99 > 2s for 30s\" or \"health != healthy for 15s\"",
    pattern: r"^[^<>!]+ *(>|<|!=) *[^ ]+ +for +[0-9.]+ *(ms|s|m|h)$",
    accepts: |text| parse(text).map(drop),
});

/// All rules.
pub(crate) fn read(root: &View<'_>, flows: &BTreeMap<String, Flow>, faults: &mut Faults) -> Vec<AbortRule> {
    let view = root.table("abort", &ABORT);
    let observed = || root.names("observe").iter().map(|entry| entry.key.as_str());
    let mut rules = Vec::new();
    for (text, span) in view.texts("when") {
        let Ok(rule) = parse(&text) else { continue };
        match &rule.watched {
            Watched::Errors(Some(operation)) | Watched::Percentile(operation, _) => {
                if let Some(fault) = thresholds::unknown_operation(&span, operation, flows) {
                    faults.push(fault);
                }
            }
            Watched::Metric(of, _) if !observed().any(|name| name == of) => {
                let fault = Fault::new(&span, format!("nothing under `[observe]` is called `{of}`"));
                faults
                    .push(fault.among(of, observed()).hint("`[observe]` names metrics: `NAME = \"http://…/metrics\"`"));
            }
            Watched::Errors(None) | Watched::Metric(..) | Watched::Health => {}
        }
        rules.push(rule);
    }
    rules
}

/// A rule: what is watched, past which value, and for how long.
fn parse(text: &str) -> Result<AbortRule, String> {
    let (condition, length) =
        text.rsplit_once(" for ").ok_or("a rule ends with how long it must be so: `… for 10s`")?;
    let for_ns = units::duration(length)?;
    let at = condition.find(['<', '>', '!', '=']).ok_or("a rule compares with `>`, `<` or `!=`")?;
    let signs = condition[at..].find(|c| !"<>!=".contains(c)).unwrap_or(condition.len() - at);
    let (left, sign, right) = (condition[..at].trim(), &condition[at..at + signs], condition[at + signs..].trim());
    let watched = watched(left)?;
    let beyond = match (&watched, sign) {
        (Watched::Health, "!=") if !right.is_empty() => Beyond::Not(right.to_owned()),
        (Watched::Health, _) => return Err("health is a word: `health != healthy`".to_owned()),
        (Watched::Metric(..), ">") => Beyond::Above(number(right)?),
        (Watched::Metric(..), "<") => Beyond::Below(number(right)?),
        (Watched::Errors(_), ">") => Beyond::Above(thresholds::share(right)?),
        (Watched::Percentile(..), ">") => Beyond::Above(units::duration(right)? as f64),
        (Watched::Metric(..), _) => return Err("a metric is compared with `>` or `<`".to_owned()),
        (Watched::Errors(_) | Watched::Percentile(..), _) => {
            return Err("errors and latencies end a run when they are above: write `>`".to_owned());
        }
    };
    Ok(AbortRule { text: text.to_owned(), watched, beyond, for_ns })
}

fn watched(text: &str) -> Result<Watched, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(match words.as_slice() {
        ["errors"] => Watched::Errors(None),
        ["health"] => Watched::Health,
        [operation @ .., "errors"] => Watched::Errors(Some(operation.join(" "))),
        [operation @ .., measure] if !operation.is_empty() && thresholds::is_percentile(measure) => {
            Watched::Percentile(operation.join(" "), thresholds::percentile(measure)?)
        }
        [observed, metric] => Watched::Metric((*observed).to_owned(), (*metric).to_owned()),
        _ => return Err(format!("`{text}` is nothing to watch: errors, OPERATION p99, health, or OBSERVED METRIC")),
    })
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| format!("`{text}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_with_their_units() {
        let of = |text: &str| parse(text).map(|rule| (rule.watched, rule.beyond, rule.for_ns / 1_000_000_000));
        assert_eq!(of("errors > 5% for 10s"), Ok((Watched::Errors(None), Beyond::Above(0.05), 10)));
        let percentile = Watched::Percentile("discover".into(), 0.99);
        assert_eq!(of("discover p99>2s for 30s"), Ok((percentile, Beyond::Above(2e9), 30)));
        assert_eq!(of("health != healthy for 15s"), Ok((Watched::Health, Beyond::Not("healthy".into()), 15)));
        let metric = Watched::Metric("server-a".into(), "free_slots".into());
        assert_eq!(of("server-a free_slots < 3 for 1m"), Ok((metric, Beyond::Below(3.0), 60)));
        assert_eq!(of("connect errors > 1% for 2s").unwrap().0, Watched::Errors(Some("connect".into())));
    }

    #[test]
    fn rules_that_make_no_sense_say_why() {
        for (text, why) in [
            ("errors > 5%", "for 10s"),
            ("errors for 5s", "compares"),
            ("errors < 5% for 10s", "write `>`"),
            ("errors > 500% for 10s", "no share"),
            ("discover p99 > 5 for 10s", "unit"),
            ("health > 3 for 10s", "is a word"),
            ("server-a rooms != 3 for 10s", "`>` or `<`"),
            ("server-a rooms > many for 10s", "no number"),
            ("everything > 3 for 10s", "nothing to watch"),
            ("errors > 5% for ever", "no duration"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
