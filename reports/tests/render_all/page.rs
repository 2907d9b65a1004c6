//! The HTML report as a file: what it holds and what it must not hold. `browser` looks at it in a real browser.

use crate::fixture::{live, naive, report};
use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::render::{Report, html};
use std::collections::BTreeSet;

/// What remains for a reader when tags, style and script are gone, a line for each run of text.
fn visible_text(page: &str) -> String {
    let without = |page: &str, from: &str, to: &str| {
        let mut rest = page;
        let mut kept = String::new();
        while let Some((before, after)) = rest.split_once(from) {
            kept += before;
            kept.push('\n');
            rest = after.split_once(to).map_or("", |(_, after)| after);
        }
        kept + rest
    };
    let page = ["style", "script", "title", "svg"].iter().fold(page.replace("<wbr>", ""), |page, tag| {
        let page = without(&page, &format!("<{tag}>"), &format!("</{tag}>"));
        without(&page, &format!("<{tag} "), &format!("</{tag}>"))
    });
    let text = without(&page, "<", ">");
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_reader_finds_verdicts_story_and_numbers_in_words() {
    insta::assert_snapshot!(visible_text(&html::report(&report())));
}

#[test]
fn the_same_report_gives_the_same_page() {
    assert_eq!(html::report(&report()), html::report(&report()));
}

#[test]
fn the_page_asks_nobody_for_anything() {
    let page = html::report(&report());
    for door in [" src=", "url(", "@import", "href=\"http", "href=\"//", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(door), "{door}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn names_from_files_stay_text() {
    let nasty = "\"><script>alert(1)</script><img onerror=x>";
    let mut hostile = report();
    hostile.title = nasty.to_owned();
    hostile.command = nasty.to_owned();
    for outcome in &mut hostile.outcomes {
        outcome.scenario = nasty.to_owned();
        outcome.notes = vec![nasty.to_owned()];
        outcome.errors = [(nasty.to_owned(), 1)].into();
        outcome.checks[0].check.property = nasty.to_owned();
        outcome.operations.iter_mut().for_each(|it| it.name = nasty.to_owned());
        if let Some(story) = &mut outcome.story {
            story.lanes[0] = nasty.into();
            story.rows.iter_mut().for_each(|it| it.text = nasty.to_owned());
            story.faults.iter_mut().for_each(|it| it.name = nasty.to_owned());
        }
    }
    let page = html::report(&hostile);
    assert!(!page.contains("<script>alert") && !page.contains("<img"));
    assert_eq!(page.matches("<script").count(), html::report(&report()).matches("<script").count());
}

#[test]
fn a_four_hour_run_beside_a_story_stays_under_a_megabyte() {
    let mut long = live();
    let pattern = long.seconds.clone();
    long.seconds = (0..14_400)
        .map(|second| {
            let mut it = pattern[second as usize % pattern.len()].clone();
            it.second = second;
            it
        })
        .collect();
    let page = html::report(&Report { outcomes: vec![naive(), long.clone(), long], ..report() });
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert!(page.contains("Each point stands for 60 seconds"));
}

#[test]
fn every_id_is_unique_and_every_link_finds_its_id() {
    let page = html::report(&report());
    let values = |attribute: &str| -> Vec<String> {
        page.split(&format!(" {attribute}=\""))
            .skip(1)
            .filter_map(|it| it.split('"').next())
            .map(str::to_owned)
            .collect()
    };
    let ids = values("id");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    let targets = values("href").into_iter().filter_map(|it| it.strip_prefix('#').map(str::to_owned));
    for target in targets.chain(values("aria-labelledby")) {
        assert!(ids.contains(&target), "{target}");
    }
}

#[test]
fn an_outcome_without_anything_is_still_a_page() {
    let empty = Outcome {
        checks: Vec::new(),
        thresholds: Vec::new(),
        operations: Vec::new(),
        seconds: Vec::new(),
        generator: None,
        ..live()
    };
    assert!(html::report(&Report { outcomes: vec![empty], ..report() }).contains("no check was broken"));
    assert!(html::report(&Report { outcomes: Vec::new(), ..report() }).contains("Nothing was played."));
}

#[test]
fn the_charts_prefer_what_the_scenario_is_about_to_housekeeping() {
    let mut outcome = live();
    for name in ["sign_in", "create_room", "delete_identity"] {
        let mut often = outcome.operations[0].clone();
        (often.name, often.count) = (name.to_owned(), 1_000_000);
        outcome.operations.push(often);
    }
    let page = html::report(&Report { outcomes: vec![outcome], ..report() });
    assert!(page.contains("The charts show the busiest operations: connect, discover, job to running, sign_in."));
}

#[test]
fn odd_numbers_leave_no_hole_in_a_drawing() {
    let mut odd = live();
    odd.operations[0].curve = vec![(0.0, 0), (100.0, u64::MAX)];
    odd.seconds.truncate(2);
    odd.seconds[1].second = i64::from(i32::MAX);
    let page = html::report(&Report { outcomes: vec![odd], ..report() });
    assert!(!page.contains("NaN") && !page.contains("inf "));
}

/// Contrast as the web content accessibility guidelines define it: 4.5 for text.
#[test]
fn text_has_contrast_in_light_and_in_dark() {
    let page = html::report(&report());
    let themes: Vec<&str> = page.split(":root {").skip(1).take(2).map(|it| it.split('}').next().unwrap()).collect();
    for theme in themes {
        let colour = |name: &str| theme.split(&format!("--{name}: #")).nth(1).unwrap()[..6].to_owned();
        let pairs = [
            ("ink", "page"),
            ("ink", "card"),
            ("soft", "page"),
            ("soft", "card"),
            ("soft", "faint"),
            ("good", "good-back"),
            ("bad", "bad-back"),
            ("bad", "card"),
            ("doubt", "doubt-back"),
            ("good", "card"),
        ];
        for (text, back) in pairs {
            let contrast = contrast(&colour(text), &colour(back));
            assert!(contrast >= 4.5, "{text} on {back}: {contrast:.2}");
        }
    }
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(hex: &str) -> f64 {
    let part =
        |at: usize| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).expect("a colour has hex digits")) / 255.0;
    let linear = |value: f64| if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
    0.2126 * linear(part(0)) + 0.7152 * linear(part(2)) + 0.0722 * linear(part(4))
}
