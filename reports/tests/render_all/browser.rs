//! The HTML report in a real browser: headless Chromium at the width of a phone and of a desk.

use crate::chromium::{chromium, visit};
use crate::fixture::report;
use rehearsal_reports::render::{Report, html};
use serde::Deserialize;
use std::path::Path;

#[test]
fn chromium_shows_the_verdict_without_errors_requests_or_sideways_scrolling() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    // As long as names of scenarios are, and without a blank.
    let titled = Report { title: "worker_dies_between_acceptance_and_assignment".to_owned(), ..report() };
    std::fs::write(folder.path().join("report.html"), html::report(&titled)).unwrap();
    for width in [360, 1_200] {
        let seen = look(&chromium, folder.path(), width);
        assert!(seen.text.contains("37 of 100 seeds, lowest seed 4"), "the verdict is not visible: {}", seen.text);
        assert!(seen.text.contains("1 of 3 outcomes is not as expected"));
        assert_eq!(seen.diagrams, 1, "one of the two drawings is shown at {width} pixels");
        assert!(seen.width <= width, "the page is {} pixels wide at {width}", seen.width);
        assert!(seen.readout.contains("users"), "pointing at a chart tells its values: {}", seen.readout);
        assert_eq!(seen.console, Vec::<String>::new());
        assert_eq!(seen.requests, Vec::<String>::new());
    }
}

#[test]
fn chromium_would_tell_of_a_request() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = html::report(&report()).replace("</main>", "<img src=\"https://example.test/x.png\"></main>");
    std::fs::write(folder.path().join("report.html"), page).unwrap();
    let seen = look(&chromium, folder.path(), 1_200);
    assert!(seen.console.iter().any(|it| it.contains("Content Security Policy")), "{:?}", seen.console);
}

/// What a browser shows and does.
#[derive(Deserialize)]
struct Seen {
    text: String,
    width: u64,
    diagrams: u64,
    readout: String,
    requests: Vec<String>,
    #[serde(skip)]
    console: Vec<String>,
}

/// What is looked at in the report.
const LOOK: &str = r#"
  const hit = page.querySelectorAll("figure.chart")[1].querySelectorAll(".hit")[20];
  hit.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
  const isShown = (it) => it.getClientRects().length > 0;
  tell({
    text: page.body.innerText,
    width: page.documentElement.scrollWidth,
    diagrams: [...page.querySelectorAll("svg.sequence")].filter(isShown).length,
    requests,
    readout: hit.closest("figure").querySelector(".readout").textContent,
  });"#;

fn look(chromium: &Path, folder: &Path, width: u64) -> Seen {
    let (seen, console) = visit(chromium, folder, "report.html", width, LOOK);
    Seen { console, ..seen }
}
