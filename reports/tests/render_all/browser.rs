//! The HTML report in a real browser: headless Chromium at the width of a phone and of a desk.
//!
//! Skipped, with a reason, where Chromium is missing; `REHEARSAL_REQUIRE=chromium` makes that a failure.

use crate::fixture::report;
use rehearsal_reports::render::html;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn chromium_shows_the_verdict_without_errors_requests_or_sideways_scrolling() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("report.html"), html::report(&report())).unwrap();
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

/// The browser's path, if it is there.
fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|it| it.is_file());
    if found.is_none() {
        let required = std::env::var("REHEARSAL_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|it| it == "chromium"),
            "REHEARSAL_REQUIRE names chromium, which is not installed"
        );
        eprintln!("skipped: no {} in PATH", names.join(", "));
    }
    found
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

/// Loads the report in a frame of this width, in a page that writes down what it sees there.
const FRAME: &str = r#"<!doctype html><meta charset="utf-8"><body>
<iframe id="frame" src="report.html" style="border:0;width:WIDTHpx;height:900px"></iframe>
<pre id="seen"></pre><script>
document.getElementById("frame").addEventListener("load", (event) => {
  const page = event.target.contentDocument;
  const hit = page.querySelectorAll("figure.chart")[1].querySelectorAll(".hit")[20];
  hit.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
  const isShown = (it) => it.getClientRects().length > 0;
  document.getElementById("seen").textContent = "SEEN" + JSON.stringify({
    text: page.body.innerText,
    width: page.documentElement.scrollWidth,
    diagrams: [...page.querySelectorAll("svg.sequence")].filter(isShown).length,
    requests: event.target.contentWindow.performance.getEntriesByType("resource").map((it) => it.name),
    readout: hit.closest("figure").querySelector(".readout").textContent,
  }) + "END";
});
</script></body>"#;

fn look(chromium: &Path, folder: &Path, width: u64) -> Seen {
    let frame = folder.join("frame.html");
    std::fs::write(&frame, FRAME.replace("WIDTH", &width.to_string())).expect("the folder is ours");
    let output = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .args([
            "--disable-component-update",
            "--disable-sync",
            "--allow-file-access-from-files",
            "--enable-logging=stderr",
        ])
        .args(["--virtual-time-budget=5000", "--window-size=1300,1000", "--dump-dom"])
        // The browser itself would ask its maker for the time and for updates.
        .arg("--host-resolver-rules=MAP * ~NOTFOUND")
        .arg(format!("--user-data-dir={}", folder.join(format!("profile-{width}")).display()))
        .arg(format!("file://{}", frame.display()))
        .output()
        .expect("chromium starts");
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let json = page.split_once("SEEN{").and_then(|(_, rest)| rest.split_once("}END"));
    let json = json.unwrap_or_else(|| panic!("nothing seen: {log}")).0;
    let json = format!("{{{json}}}").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let seen: Seen = serde_json::from_str(&json).expect("the frame writes what it sees as JSON");
    Seen { console: log.lines().filter(|it| it.contains("CONSOLE")).map(str::to_owned).collect(), ..seen }
}
