//! `rehearsal keep`: makes a scenario file of a broken seed's record, with all choices pinned and its story as a comment.
//! `rehearsal simulate scenarios/regressions` plays what was kept.

use crate::cli::Keep;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::rejudge;
use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::render::text::story_columns;
use rehearsal_reports::verdict::Verdict;
use rehearsal_scenarios::pinned;
use rehearsal_scenarios::plan::{Expectation, Plan, World};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::seed::{SeedOptions, play};
use std::path::Path;
use std::sync::Arc;

/// Writes the file, and prints where it is and how it is played.
pub fn run(arguments: &Keep) -> Result<Exit, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if arguments.name.is_empty() || !arguments.name.chars().all(is_plain) {
        let message = format!("{:?} is no name for a file", arguments.name);
        return Err(Failure::usage(message, "use letters, digits, `_` and `-`"));
    }
    let path = arguments.folder.join(format!("{}.toml", arguments.name));
    if path.exists() {
        let message = format!("{} is there already", path.display());
        return Err(Failure::usage(message, "another --name keeps both; remove the file to replace it"));
    }
    let (mut plan, outcome) = failure(&arguments.record)?;
    plan.scenario.clone_from(&arguments.name);
    confirm(&plan)?;
    if plan.about.is_empty() {
        plan.about = broken(&outcome).first().map_or_else(String::new, |(_, sentence)| (*sentence).to_owned());
    }
    std::fs::create_dir_all(&arguments.folder)
        .map_err(|error| Failure::usage(format!("cannot make {}: {error}", arguments.folder.display()), ""))?;
    output::write(&path, &pinned(&plan, &comment(&plan, &outcome)))?;
    output::print_line(&format_args!("kept    {}", path.display()));
    output::print_line(&format_args!("play    rehearsal simulate {}", arguments.folder.display()));
    Ok(Exit::Expected)
}

/// The plan of a record in which a check is broken, expected to break as it does, and what is told of it.
fn failure(record: &Path) -> Result<(Plan, Outcome), Failure> {
    let (mut plan, outcome) = rejudge::plan_and_outcome(record)?;
    if plan.world == World::Live {
        return Err(Failure::usage(
            "this record is of a live run, which no plan repeats",
            "records of `rehearsal simulate` and `rehearsal replay` can be kept",
        ));
    }
    let checks: Vec<String> = broken(&outcome).into_iter().map(|(name, _)| name.to_owned()).collect();
    if checks.is_empty() {
        return Err(Failure::usage("no check is broken in this record", "only failures are kept"));
    }
    plan.expect = Expectation::Broken(checks);
    Ok((plan, outcome))
}

/// Names of broken checks, each with its first violation.
fn broken(outcome: &Outcome) -> Vec<(&str, &str)> {
    let broken = outcome.checks.iter().filter_map(|summary| match &summary.check.verdict {
        Verdict::Broken { evidence } => {
            Some((summary.check.name.as_str(), evidence.first().map_or("", |one| one.sentence.as_str())))
        }
        _ => None,
    });
    broken.collect()
}

/// What is kept must break when it is played from its file alone.
fn confirm(plan: &Plan) -> Result<(), Failure> {
    let engine = EngineKind::default();
    if let Some(reason) = engine.refuses(plan) {
        return Err(Failure::usage(format!("{reason}, which the {} engine has not", engine.name()), ""));
    }
    if play(Arc::new(plan.clone()), SeedOptions::default()).is_broken() {
        return Ok(());
    }
    Err(Failure::usage(
        format!("the {} engine does not break any check with this plan", engine.name()),
        "a record of another engine or another version may play differently: simulate its scenario again",
    ))
}

fn comment(plan: &Plan, outcome: &Outcome) -> String {
    let mut text = String::from("A failure that was found, kept with every choice pinned.\n\n");
    for (_, sentence) in broken(outcome) {
        text += &format!("{sentence}\n");
    }
    if let Some(story) = &outcome.story {
        text += "\n";
        text += &story_columns(story);
    }
    text += "\nWhen it is mended, this is the one edit: expect = \"holds\"\n";
    text += &format!("Found with seed {}.\n", plan.seed);
    text
}
