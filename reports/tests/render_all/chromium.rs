//! A page in a real browser: headless Chromium loads it in a frame of some width, a script looks at it and does something, and
//! what it tells comes back. Used by `browser` (the report) and `playback`.
//!
//! Skipped, with a reason, where Chromium is missing; `REHEARSAL_REQUIRE=chromium` makes that a failure.

use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The browser's path, if it is there.
pub fn chromium() -> Option<PathBuf> {
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
        // Past the capture of a test's output: who reads the log shall see it.
        let _ = writeln!(std::io::stderr(), "skipped: no {} in PATH", names.join(", "));
    }
    found
}

/// Loads the page in a frame of this width. `LOOK` runs in it: it knows the `page`, the `requests` that were made, and ends
/// with `tell(…)`.
const FRAME: &str = r#"<!doctype html><meta charset="utf-8"><body>
<iframe id="frame" src="PAGE" style="border:0;width:WIDTHpx;height:900px"></iframe>
<pre id="seen"></pre><script>
document.getElementById("frame").addEventListener("load", (event) => {
  const page = event.target.contentDocument, view = event.target.contentWindow;
  const requests = view.performance.getEntriesByType("resource").map((it) => it.name);
  const tell = (seen) => { document.getElementById("seen").textContent = "SEEN" + JSON.stringify(seen) + "END"; };
  LOOK
});
</script></body>"#;

/// What the script tells of the page, and what the browser wrote to its console.
pub fn visit<T: DeserializeOwned>(
    chromium: &Path,
    folder: &Path,
    page: &str,
    width: u64,
    look: &str,
) -> (T, Vec<String>) {
    let frame = folder.join("frame.html");
    let text = FRAME.replace("PAGE", page).replace("WIDTH", &width.to_string()).replace("LOOK", look);
    std::fs::write(&frame, text).expect("the folder is ours");
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
    let seen = serde_json::from_str(&json).expect("the frame writes what it sees as JSON");
    (seen, log.lines().filter(|it| it.contains("CONSOLE")).map(str::to_owned).collect())
}
