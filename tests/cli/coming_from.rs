//! The page for those who come from other tools: its files are scenarios, and what it quotes is what they say.

use crate::support::{folder, run_in};
use std::path::Path;

#[test]
fn the_translated_files_are_scenarios_that_play_and_the_page_quotes_them_whole() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = std::fs::read_to_string(docs.join("coming-from.md")).expect("the page");
    for name in ["from_k6.toml", "from_artillery.toml"] {
        let path = docs.join("coming-from").join(name);
        let text = std::fs::read_to_string(&path).expect("a scenario");
        assert!(page.contains(&format!("```toml\n{text}```")), "the page does not quote {name}");
        run_in(folder().path(), &["lint", &path.display().to_string()]).ends_with(0);
    }
    let folder = folder();
    let k6 = docs.join("coming-from/from_k6.toml").display().to_string();
    run_in(folder.path(), &["simulate", &k6, "--seeds", "2", "--quiet"]).ends_with(0);
}
