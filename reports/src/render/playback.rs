//! The page of one run: what broke, who said what to whom, and the state of rooms and jobs at a cursor over its time. One
//! file, offline, under 2 MB, on a phone and by keyboard, light and dark; the same run gives the same bytes.
//!
//! What happened stands in the page as JSON (`crate::playback`); the scripts in `render/playback/` draw it and apply its
//! changes, and know nothing else. Without scripts the story is there as text. Everything from files or the network goes
//! through maud's escaping, through JSON with `<` escaped, or through `textContent`; a content security policy forbids every
//! request. Neighbours: `html` (the report, which shares its looks). Left out: files; and names of folders, which are not
//! the same for the same seed.

use super::html::{POLICY, STYLE as REPORT_STYLE};
use super::text::story_columns;
use super::words;
use crate::event::Event;
use crate::outcome::{Outcome, Overall};
use crate::playback::{Playback, STEPS_MAX, Violation};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use rehearsal_scenarios::plan::World;

/// No page is larger.
pub const PAGE_BYTES_MAX: usize = 2_000_000;
/// More violations are counted and not listed.
const VIOLATIONS_MAX: usize = 12;

const STYLE: &str = include_str!("playback/playback.css");
const SCRIPTS: [&str; 3] =
    [include_str!("playback/drawing.js"), include_str!("playback/state.js"), include_str!("playback/cursor.js")];

/// What a page is of.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What came of it: of this one run, with its story.
    pub outcome: &'a Outcome,
    /// All of its events, in the order in which they were written.
    pub events: &'a [Event],
    /// Version of rehearsal.
    pub version: &'a str,
    /// The command that plays it again, if one can.
    pub repeat: Option<&'a str>,
}

/// The page. Of a run with too many events, or with too large ones, fewer are shown, and the page says so.
pub fn page(run: Run<'_>) -> String {
    let mut steps_max = STEPS_MAX;
    loop {
        let page = page_of(run, &Playback::of(run.outcome, run.events, steps_max));
        if page.len() <= PAGE_BYTES_MAX || steps_max == 0 {
            return page;
        }
        steps_max /= 2;
    }
}

fn page_of(run: Run<'_>, playback: &Playback) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (headline(run.outcome, playback)) " – rehearsal" }
                style { (PreEscaped(REPORT_STYLE)) (PreEscaped(STYLE)) }
            }
            body.playback {
                header { (opening(run, playback)) }
                main {
                    noscript { p.verdict.doubt { "Without scripts this page shows the story as text only." } }
                    (workspace(playback))
                    (dock())
                    (words_alone(run.outcome))
                }
                footer { (closing(run, playback)) }
                script #data type="application/json" { (PreEscaped(embedded(playback))) }
                @for script in SCRIPTS { script { (PreEscaped(script)) } }
            }
        }
    };
    page.into_string()
}

/// The data as JSON that no content can end early.
fn embedded(playback: &Playback) -> String {
    // Plain data with string keys is always JSON.
    serde_json::to_string(playback).unwrap_or_default().replace('<', "\\u003c")
}

fn headline(outcome: &Outcome, playback: &Playback) -> String {
    match (playback.violations.first(), outcome.verdict) {
        (Some(violation), _) => format!("Broken: {}", violation.property),
        (None, Overall::Broken) => "A check is broken".to_owned(),
        (None, _) if !outcome.expected && !outcome.notes.is_empty() => "The run did not come to its end".to_owned(),
        (None, _) => "Nothing broke".to_owned(),
    }
}

fn opening(run: Run<'_>, playback: &Playback) -> Markup {
    let outcome = run.outcome;
    html! {
        p.brand { "rehearsal · playback" }
        @if playback.violations.is_empty() {
            h1.calm { (headline(outcome, playback)) }
        } @else {
            h1 { (headline(outcome, playback)) }
        }
        @match playback.violations.as_slice() {
            [] => {
                // Why it did not come to its end, or could not be judged.
                @if !outcome.expected { @for note in &outcome.notes { p.sentence { (note) } } }
            }
            [one] => { p.sentence { (one.sentence) } }
            several => { (violations(several)) }
        }
        p.where {
            (outcome.scenario) ", " (words::played_where(outcome)) "; times are "
            @match outcome.world {
                World::Simulated => "virtual seconds",
                World::Live => "seconds",
            }
            " from the start of the plan"
            @if let Some(left_out) = &playback.left_out { ". " (left_out) }
        }
        @if !outcome.about.is_empty() { p.about { (outcome.about) } }
    }
}

/// Several things that cannot be explained: each leads to where it breaks.
fn violations(violations: &[Violation]) -> Markup {
    let shown = violations.len().min(VIOLATIONS_MAX);
    html! {
        fieldset.violations {
            legend { (violations.len()) " violations; the marks are those of" }
            @for (index, violation) in violations.iter().take(VIOLATIONS_MAX).enumerate() {
                label {
                    input type="radio" name="violation" value=(index) checked[index == 0] disabled[violation.steps.is_empty()];
                    span { (violation.sentence) @if violation.steps.is_empty() { " (not on this page)" } }
                }
            }
            @if violations.len() > shown { p.hint { "and " (violations.len() - shown) " more" } }
        }
    }
}

fn workspace(playback: &Playback) -> Markup {
    let story = playback.steps.iter().filter(|step| step.is_story).count();
    let all = playback.steps.len();
    html! {
        div.workspace {
            section.stage aria-label="What happened" {
                div.tools {
                    fieldset.mode {
                        legend.hidden { "How much is shown" }
                        label { input type="radio" name="mode" value="story" checked[story > 0] disabled[story == 0]; span { "The story" } }
                        label { input type="radio" name="mode" value="all" checked[story == 0]; span { "All " (all) " steps" } }
                    }
                    (legend())
                }
                div.canvas tabindex="0" role="img" aria-label="Lanes of users and servers, and what they say to each other over time. The steps follow as text below." {}
            }
            aside.state aria-label="The state at the cursor" {}
        }
    }
}

fn legend() -> Markup {
    html! {
        ul.key aria-hidden="true" {
            li { i.message {} "message, over the server" }
            li { i.question {} "question and answer" }
            li { i.work {} "job" }
            li { i.trouble {} "fault" }
            li { i.named {} "what the check names" }
        }
    }
}

fn dock() -> Markup {
    html! {
        div.dock {
            p.now aria-live="polite" {}
            div.player {
                div.buttons role="group" aria-label="Steps" {
                    button type="button" data-go="start" title="To the first step (Home)" aria-label="First step" { "❘◀" }
                    button type="button" data-go="back" title="One step back (←)" aria-label="One step back" { "◀" }
                    button type="button" data-go="play" title="Play (space)" aria-label="Play" { "▶" }
                    button type="button" data-go="on" title="One step on (→)" aria-label="One step on" { "▶❘" }
                    button.named type="button" data-go="named" title="To the next step that the check names (N)" aria-label="Next step that the check names" { "●" }
                }
                div.track {
                    svg.strip aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 1000 20" {}
                    input.slider type="range" min="0" max="1" value="0" step="any" aria-label="Time";
                }
            }
        }
    }
}

fn words_alone(outcome: &Outcome) -> Markup {
    html! {
        @if let Some(story) = &outcome.story {
            details.words open {
                summary { "The story as text" }
                pre.columns tabindex="0" { (story_columns(story)) }
            }
        }
        details.words.steps { summary { "All steps as text" } pre.columns tabindex="0" {} }
    }
}

fn closing(run: Run<'_>, playback: &Playback) -> Markup {
    html! {
        @if let Some(repeat) = run.repeat {
            h3 { "Play it again" }
            pre.command { code { (repeat) } }
        }
        p {
            "Servers write no events: that a message passes one halfway between its sending and its arrival is drawn, not "
            "known, and the state is what users could tell."
        }
        p { "rehearsal " (run.version) ". " (playback.lanes.len()) " lanes, " (playback.steps.len()) " steps." }
    }
}
