//! Text, JSON, Markdown and JUnit XML.

use crate::fixture::{hardened, live, naive, report};
use rehearsal_reports::coverage::{Coverage, Doing, FaultCoverage};
use rehearsal_reports::outcome::{Met, Outcome, Overall, TimeSpent, Validity};
use rehearsal_reports::render::text::Style;
use rehearsal_reports::render::{Report, html, json, junit, markdown, text, words};
use rehearsal_scenarios::plan::{Drawn, Expectation};
use std::collections::BTreeMap;

#[test]
fn the_terminal_shows_verdicts_story_numbers_and_how_to_repeat() {
    insta::assert_snapshot!(text::report(&report(), Style::Plain));
}

#[test]
fn colours_are_there_only_if_asked_for() {
    let (plain, coloured) = (text::report(&report(), Style::Plain), text::report(&report(), Style::Coloured));
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}[33mBROKEN\u{1b}[0m"), "an expected break is no alarm");
    let mut without = coloured;
    for code in ["32", "31;1", "33", "2", "0"] {
        without = without.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(without, plain, "colours must not move columns");
}

#[test]
fn json_lines_have_the_documented_keys() {
    let lines: Vec<String> = report().outcomes.iter().map(json::line).collect();
    assert!(lines.iter().all(|line| !line.contains('\n')));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn markdown_fits_a_pull_request() {
    insta::assert_snapshot!(markdown::report(&report()));
}

#[test]
fn junit_passes_what_is_expected_and_fails_what_is_missed() {
    insta::assert_snapshot!(junit::report(&report()));
}

#[test]
fn junit_fails_a_break_that_nobody_expected_and_a_break_that_did_not_come() {
    let mut surprised = report();
    surprised.outcomes = vec![naive(), live()];
    surprised.outcomes[0].expectation = Expectation::Holds;
    surprised.outcomes[0].checks[1].expected_broken = false;
    surprised.outcomes[1].expectation = Expectation::Broken(vec!["worker_runs_one_job_at_a_time".to_owned()]);
    surprised.outcomes[1].thresholds.clear();
    let xml = junit::report(&surprised);
    assert_eq!(xml.matches("<failure").count(), 2, "{xml}");
    assert!(xml.contains("nothing is"), "{xml}");
}

#[test]
fn what_cannot_be_judged_is_neither_good_nor_bad_in_any_format() {
    let mut report = report();
    let mut doubtful = live();
    doubtful.thresholds.retain(|it| it.verdict != Met::Missed);
    assert_eq!(words::standing(&doubtful), words::Standing::Doubtful);
    assert!(words::sentence(&doubtful).starts_with("Cannot be judged: 1 of 3 thresholds with too few samples; holds"));
    report.outcomes = vec![doubtful.clone()];
    assert_eq!(words::report_sentence(&report), "The outcome cannot be judged.");
    let page = html::report(&report);
    assert!(page.contains("class=\"lead doubt\"") && page.contains("class=\"verdict doubt\""));
    assert!(!page.contains("lead bad") && !page.contains("verdict bad"));
    assert!(text::outcome(&doubtful, Style::Plain).lines().next().unwrap().ends_with("holds, cannot be judged"));
    assert!(markdown::report(&report).contains("⚠️"));
    let xml = junit::report(&report);
    assert_eq!((xml.matches("<failure").count(), xml.matches("<error").count()), (0, 1), "{xml}");
}

#[test]
fn a_bottleneck_and_an_interrupted_run_cannot_be_judged_and_a_missed_threshold_is_bad_whatever_else() {
    let mut outcome = live();
    assert_eq!(words::standing(&outcome), words::Standing::Bad);
    outcome.thresholds.clear();
    assert_eq!(words::standing(&outcome), words::Standing::Good);
    outcome.generator.as_mut().unwrap().validity = Validity::Invalid;
    assert_eq!(words::standing(&outcome), words::Standing::Doubtful);
    let mut stuck = hardened();
    stuck.expected = false;
    assert_eq!(words::standing(&stuck), words::Standing::Bad, "a run that got stuck is no success in doubt");
    stuck.interrupted = true;
    assert_eq!(words::standing(&stuck), words::Standing::Doubtful);
    let report = Report { outcomes: vec![stuck], ..report() };
    assert_eq!(junit::report(&report).matches("<error").count(), 1);
}

#[test]
fn an_unexpected_verdict_is_said_in_the_first_line() {
    let mut outcome = naive();
    outcome.expected = false;
    outcome.verdict = Overall::Broken;
    assert!(text::outcome(&outcome, Style::Plain).lines().next().unwrap().ends_with("broken, not as expected"));
}

#[test]
fn holding_by_surprise_is_told_from_not_coming_to_the_end() {
    let mut outcome = hardened();
    outcome.expected = false;
    assert!(words::sentence(&outcome).starts_with("Holds as far as it was played, which is not to the end: all 3"));
    outcome.expectation = Expectation::Broken(Vec::new());
    assert!(words::sentence(&outcome).starts_with("Holds, but was expected to break: all 3"));
}

#[test]
fn what_files_and_networks_say_can_steer_neither_terminal_nor_comment() {
    let mut hostile = report();
    let nasty = "\u{1b}[2J<script>alert(1)</script> @everyone |`x`|\n# big";
    hostile.title = nasty.to_owned();
    hostile.outcomes[0].scenario = nasty.to_owned();
    hostile.outcomes[0].notes = vec![nasty.to_owned()];
    hostile.outcomes[0].checks[1].check.property = nasty.to_owned();
    hostile.outcomes[0].repeat = Some("``` </details> ```".to_owned());
    assert!(!text::report(&hostile, Style::Plain).contains('\u{1b}'));
    let markdown = markdown::report(&hostile);
    assert!(!markdown.contains("<script") && !markdown.contains("@everyone") && !markdown.contains("\n# big"));
    assert!(markdown.contains("````text\n``` </details> ```\n````"), "the fence must be longer than what it holds");
    let xml = junit::report(&hostile);
    assert!(!xml.contains('\u{1b}') && !xml.contains("<script"));
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let formats = || {
        let report = report();
        let lines: Vec<String> = report.outcomes.iter().map(json::line).collect();
        (text::report(&report, Style::Coloured), lines, markdown::report(&report), junit::report(&report))
    };
    assert_eq!(formats(), formats());
}

#[test]
fn what_was_covered_stands_in_every_format_for_people_and_in_json() {
    let mut outcome = hardened();
    let while_doing = BTreeMap::from([(Doing::Idle, 12), (Doing::Working, 1_204)]);
    let crash = FaultCoverage { name: "crash".to_owned(), seeds: 1_210, while_doing };
    outcome.coverage =
        Some(Coverage { seeds: 2_000, behaviours: 41, shown_once: 24, pairs: 512, newest: 1_377, faults: vec![crash] });
    outcome.time = Some(TimeSpent { given_ms: 60_000, exploring_ms: 40_120, confirming_ms: 180, shrinking_ms: 3_400 });
    outcome.warnings = vec!["beyond the fixed seeds".to_owned()];
    outcome.drawn = vec![Drawn { what: "clients".to_owned(), value: "5 of 1 to 8".to_owned() }];
    let said =
        "2,000 seeds showed 41 behaviours, the newest with seed 1377; the next shows a new one with a chance of 1.2 %";
    let told = text::outcome(&outcome, Style::Plain);
    for line in [
        format!("covered {said}\n"),
        "  fault  seeds  away  idle  asking  working\n  crash  1,210     —    12       —    1,204\n".to_owned(),
        "time    of 60.0 s: exploring 40.1 s, confirming 0.2 s, shrinking 3.4 s\n".to_owned(),
        "drew    clients 5 of 1 to 8\n".to_owned(),
        "warning beyond the fixed seeds\n".to_owned(),
    ] {
        assert!(told.contains(&line), "{line} is missing in\n{told}");
    }
    let object: serde_json::Value = serde_json::from_str(&json::line(&outcome)).unwrap();
    assert_eq!(object["coverage"]["next_is_new"], 0.012);
    let coverage = outcome.coverage.clone().map(|coverage| Coverage { shown_once: 0, ..coverage });
    let told = text::outcome(&Outcome { coverage, ..outcome.clone() }, Style::Plain);
    assert!(told.contains("with a chance of less than 0.05 %\n"), "nobody knows that it is none: {told}");
    assert_eq!(object["coverage"]["faults"][0]["while_doing"]["working"], 1_204);
    assert_eq!(object["time"]["shrinking_ms"], 3_400);
    let report = Report { outcomes: vec![outcome], ..report() };
    assert!(markdown::report(&report).contains(said) && html::report(&report).contains(said));
    assert!(html::report(&report).contains("<td class=\"number\">1,204</td>"));
}
