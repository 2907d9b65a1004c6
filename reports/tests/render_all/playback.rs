//! The page to step through a run: the same bytes for the same run, never too large, nothing that content could break, and in a
//! real browser a cursor that moves and a state that follows it.

use crate::chromium::{chromium, visit};
use crate::race::{Script, naive_race};
use rehearsal_reports::event::{Body, Content, Event, Kind};
use rehearsal_reports::outcome::{CheckSummary, Outcome};
use rehearsal_reports::render::playback::{PAGE_BYTES_MAX, Run, page};
use rehearsal_reports::story::story;
use rehearsal_scenarios::plan::{Expectation, World};
use rehearsal_scenarios::{Overrides, library, load};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

/// The race of the flagship, as the outcome of its seed, with these events before it.
fn race(before: impl FnOnce(&mut Vec<Event>)) -> (Outcome, Vec<Event>) {
    let (mut check, mut events) = naive_race();
    let count = events.len() as u64;
    before(&mut events);
    let shift = events.len() as u64 - count;
    // What came before it has taken the first numbers.
    events.rotate_left(count as usize);
    (0..).zip(&mut events).for_each(|(n, event)| event.n = n);
    if let rehearsal_reports::verdict::Verdict::Broken { evidence } = &mut check.verdict {
        evidence.iter_mut().flat_map(|it| &mut it.events).for_each(|n| *n += shift);
    }
    let source = library::get("two_clients_race_naive_worker").expect("the flagship is part of the library");
    let scenario = load("race", source.as_bytes(), &Overrides::default()).expect("the flagship is valid");
    let told = story(&check, &events, true);
    let checks = vec![CheckSummary::of_one_seed(check, 4, &Expectation::Holds)];
    let plan = scenario.plan(4, World::Simulated);
    (Outcome { checks, story: told, engine: Some("event".to_owned()), ..Outcome::not_played(&plan) }, events)
}

fn rendered((outcome, events): &(Outcome, Vec<Event>)) -> String {
    page(Run { outcome, events, version: "0.1.0", repeat: Some("rehearsal replay race --seed 4") })
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let (one, other) = (rendered(&race(|_| {})), rendered(&race(|_| {})));
    assert!(one == other && one.contains("Broken: a worker runs one job at a time"));
    assert!(one.contains("rehearsal replay race --seed 4") && !one.contains("/runs/"));
}

#[test]
fn a_record_of_200_000_large_messages_is_a_page_under_two_megabytes_that_says_what_it_leaves_out() {
    let long = Content::of(&json!({ "text": "x".repeat(5_000) }));
    let run = race(|events| {
        let message = |n: u64| {
            let (from, to) = ("0a77".into(), "6f1c".into());
            Body::Message { kind: "peer_message".into(), from, to, digest: n, bytes: 5_000, job: None }
        };
        let first = events[0].clone();
        events.extend((0..200_000).map(|n| Event {
            t_ns: n as i64 * 40_000 - 9_000_000_000,
            user: "clients-0".into(),
            kind: Kind::Sent,
            op: "".into(),
            content: long.clone(),
            body: message(n),
            ..first.clone()
        }));
    });
    let page = rendered(&run);
    assert!(page.len() <= PAGE_BYTES_MAX, "{} bytes", page.len());
    assert!(page.contains("of 200,0") && page.contains("events are shown"));
    assert!(page.contains("second job begins"), "what broke is shown all the same");
}

#[test]
fn no_content_ends_the_script_that_holds_it_and_no_secret_is_shown() {
    let (outcome, mut events) = race(|_| {});
    let evil = json!({ "text": "</script><script>alert(1)</script><!--", "id_token": "sesame" });
    for event in events.iter_mut().filter(|event| event.kind == Kind::Sent) {
        event.content = Content::of(&evil);
    }
    events.iter_mut().filter(|event| &*event.user == "clients-1").for_each(|event| event.user = "<b>bold</b>-1".into());
    let page = rendered(&(outcome, events));
    assert!(page.contains("\\u003c/script>\\u003cscript>alert(1)") && !page.contains("<script>alert"));
    assert!(!page.contains("<b>bold") && !page.contains("sesame"));
    assert_eq!(page.matches("</script>").count(), 4, "the data and three scripts");
}

#[test]
fn a_run_in_which_nothing_broke_is_told_from_its_messages() {
    let mut script = Script::default();
    script.registers(10, "clients-0", "0a77");
    script.registers(11, "workers-0", "6f1c");
    let (mut outcome, _) = race(|_| {});
    let events = script.in_order();
    (outcome.checks, outcome.story) = (Vec::new(), Some(rehearsal_reports::story::timeline(&events, true)));
    let page = rendered(&(outcome, events));
    assert!(page.contains("<h1 class=\"calm\">Nothing broke</h1>") && page.contains("clients-0"));
}

/// What a browser shows and does.
#[derive(Debug, Deserialize)]
struct Seen {
    heading: String,
    width: u64,
    breaks_at: String,
    state_there: String,
    stepped_to: String,
    state_before: String,
    slid_to: String,
    evidence: u64,
    bands: u64,
    arrows: u64,
    hover: String,
    rows_of_the_story: u64,
    rows_of_all: u64,
    steps_as_text: String,
    future_from: f64,
    requests: Vec<String>,
}

/// Steps with a key, slides, points at an arrow, asks for all steps and for the text.
const LOOK: &str = r#"
  const now = () => page.querySelector(".now").textContent;
  const state = () => page.querySelector(".state").innerText;
  const rows = () => page.querySelectorAll(".lanes .step").length;
  const slider = page.querySelector(".slider");
  const press = (key) => slider.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const seen = { heading: page.querySelector("h1").textContent, width: page.documentElement.scrollWidth, requests };
  seen.breaks_at = now();
  seen.state_there = state();
  const isShown = (it) => it.getClientRects().length > 0 && view.getComputedStyle(it).visibility === "visible";
  seen.evidence = [...page.querySelectorAll(".step.named .ring")].filter(isShown).length;
  seen.bands = [...page.querySelectorAll(".band")].filter(isShown).length;
  seen.arrows = page.querySelectorAll(".arrow").length;
  seen.future_from = Number(page.querySelector(".future").getAttribute("y"));
  press("ArrowLeft");
  seen.stepped_to = now();
  seen.state_before = state();
  slider.value = 10.0335e9;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  seen.slid_to = now();
  const hit = page.querySelector(".arrow:not(.question) .hit");
  hit.dispatchEvent(new PointerEvent("pointerover", { bubbles: true, clientX: 100, clientY: 100 }));
  seen.hover = page.querySelector(".pop").innerText;
  seen.rows_of_the_story = rows();
  page.querySelector("input[value=all]").click();
  seen.rows_of_all = rows();
  const details = page.querySelector("details.steps");
  details.addEventListener("toggle", () => setTimeout(() => {
    seen.steps_as_text = details.querySelector("pre").textContent;
    tell(seen);
  }));
  details.open = true;"#;

fn look(chromium: &Path, folder: &Path, width: u64) -> Seen {
    let (seen, console): (Seen, Vec<String>) = visit(chromium, folder, "playback.html", width, LOOK);
    assert_eq!(console, Vec::<String>::new());
    assert_eq!(seen.requests, Vec::<String>::new());
    seen
}

#[test]
fn in_chromium_the_cursor_moves_the_state_follows_and_what_the_check_names_is_seen() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (outcome, mut events) = race(|_| {});
    let content = Content::of(&json!({ "app_message_type": "job_request", "note": "</script>" }));
    events.iter_mut().filter(|event| event.kind == Kind::Sent).for_each(|event| event.content = content.clone());
    std::fs::write(folder.path().join("playback.html"), rendered(&(outcome, events))).unwrap();
    for width in [400, 1_280] {
        let seen = look(&chromium, folder.path(), width);
        assert_eq!(seen.heading, "Broken: a worker runs one job at a time");
        assert!(seen.width <= width, "the page is {} pixels wide at {width}", seen.width);
        assert!(seen.breaks_at.starts_with("15.214 s workers-0: begins job: clients-1-j1"), "{}", seen.breaks_at);
        assert!(seen.state_there.contains("runs 2 jobs at once"), "{}", seen.state_there);
        assert!(seen.future_from > 100.0, "what comes after the cursor is dimmed");
        assert_ne!(seen.stepped_to, seen.breaks_at);
        assert!(seen.state_before.contains("runs clients-0-j1"), "{}", seen.state_before);
        assert!(seen.slid_to.starts_with("10.033 s workers-0: job_response accepted"), "{}", seen.slid_to);
        assert_eq!((seen.evidence, seen.bands), (2, 2));
        assert!(seen.arrows >= 6, "{}", seen.arrows);
        assert!(
            seen.hover.contains("arrived at 10.028 s, after 7.0 ms") && seen.hover.contains("</script>"),
            "{}",
            seen.hover
        );
        assert!(seen.rows_of_all > seen.rows_of_the_story && seen.rows_of_the_story > 10);
        assert!(seen.steps_as_text.contains("15.214  workers-0: begins job: clients-1-j1  <- second job begins"));
    }
}
