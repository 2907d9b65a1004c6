//! The search for the highest load at which thresholds and checks hold: each step is a live run with a record of its own, whose
//! judge ends it as soon as it is decided. Start here: [`search`]. Neighbours: `reports::capacity` (which load comes next, and
//! what a step is worth), `driver` (plays one). Left out: showing it.

use super::driver::run;
use super::options::{Interrupt, LiveError, LiveOptions, LiveRun, SearchStep};
use super::outcome::Ending;
use super::progress::OnProgress;
use crate::commons::lock;
use rehearsal_reports::capacity::outcome::{CapacityOutcome, FORMAT, PlayedStep};
use rehearsal_reports::capacity::search::Search;
use rehearsal_reports::capacity::step::{StepJudge, StepVerdict};
use rehearsal_reports::outcome::{Overall, Validity};
use rehearsal_reports::verdict::Verdict;
use rehearsal_scenarios::plan::{CapacityPlan, Plan};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// A target that does not answer after a step may need a moment to come back.
const REST: Duration = Duration::from_secs(3);

/// Who hears of a search.
pub trait Listener {
    /// A step begins.
    fn begins(&mut self, nth: usize, load: f64, plan: &Plan) -> OnProgress;
    /// A step has ended.
    fn ended(&mut self, nth: usize, step: &PlayedStep);
}

/// Plays step after step. `plan_at` makes the plan of a load; of the options each step gets a copy.
///
/// # Errors
/// Why the first step could not begin. Later ones that cannot are part of the answer.
pub async fn search(
    wanted: &CapacityPlan,
    plan_at: impl Fn(f64) -> Result<Plan, String>,
    options: &LiveOptions,
    listener: &mut dyn Listener,
    interrupt: watch::Receiver<Interrupt>,
) -> Result<CapacityOutcome, LiveError> {
    let mut search = Search::new(wanted);
    let mut steps: Vec<PlayedStep> = Vec::new();
    let (mut interrupted, mut shown) = (false, None);
    while let Some(load) = search.next() {
        let plan = match plan_at(load) {
            Ok(plan) => plan,
            Err(why) => {
                let step = not_played(load, &why);
                search.push(step.verdict.clone());
                steps.push(step);
                continue;
            }
        };
        shown.get_or_insert_with(|| (plan.scenario.clone(), plan.about.clone()));
        let judge = Arc::new(Mutex::new(StepJudge::new(&plan)));
        let step = SearchStep { judge: judge.clone(), is_known: !steps.is_empty() };
        let options = LiveOptions { step: Some(step), parameters: plan.parameters.clone(), ..options.clone() };
        let on_progress = listener.begins(steps.len(), load, &plan);
        let played = match run(Arc::new(plan), options, on_progress, interrupt.clone()).await {
            Ok(run) => {
                interrupted = run.interrupted != Interrupt::None;
                played(load, &run, &lock(&judge))
            }
            Err(error) if steps.is_empty() => return Err(error),
            Err(LiveError::Interrupted) => {
                interrupted = true;
                break;
            }
            Err(error) => not_played(load, error.to_string().lines().next().unwrap_or_default()),
        };
        if interrupted {
            break;
        }
        listener.ended(steps.len(), &played);
        search.push(played.verdict.clone());
        if matches!(played.verdict, StepVerdict::Unusable { .. }) {
            sleep(REST).await;
        }
        steps.push(played);
    }
    let (scenario, about) = shown.unwrap_or_default();
    let (validity, reasons) = validity(&steps);
    Ok(CapacityOutcome {
        format: FORMAT,
        scenario,
        about,
        targets: options.targets(),
        parameter: wanted.parameter.clone(),
        between: (wanted.low, wanted.high),
        answer: search.answer(),
        validity,
        reasons,
        steps,
        interrupted,
    })
}

fn played(load: f64, run: &LiveRun, judge: &StepJudge) -> PlayedStep {
    let outcome = &run.outcome;
    PlayedStep {
        load,
        verdict: verdict(run, judge),
        is_check_broken: outcome.verdict == Overall::Broken,
        seconds: judge.seconds() as u64,
        seen: judge.seen(),
        thresholds: outcome.thresholds.clone(),
        generator: outcome.generator.as_ref().map_or(Validity::Valid, |generator| generator.validity),
        reasons: outcome.generator.as_ref().map(|generator| generator.reasons.clone()).unwrap_or_default(),
        record: run.record.display().to_string(),
    }
}

/// What a run says about its load. Broken checks come before slow answers: what is wrong is not capacity, however fast.
fn verdict(run: &LiveRun, judge: &StepJudge) -> StepVerdict {
    let outcome = &run.outcome;
    if let Some(generator) = outcome.generator.as_ref().filter(|it| it.validity == Validity::Invalid) {
        return StepVerdict::Unusable { why: generator.reasons.join("; ") };
    }
    let broken = outcome.checks.iter().find_map(|summary| match &summary.check.verdict {
        Verdict::Broken { evidence } => Some((&summary.check, evidence.first())),
        _ => None,
    });
    if let Some((check, evidence)) = broken {
        let why = evidence.map_or_else(|| "it is broken".to_owned(), |violation| violation.sentence.clone());
        return StepVerdict::Failed { binding: check.property.clone(), why };
    }
    let failed = |binding: &str, why: String| StepVerdict::Failed { binding: binding.to_owned(), why };
    match &run.ending {
        Ending::NotPrepared(why) | Ending::TooLate(why) => return StepVerdict::Unusable { why: why.clone() },
        Ending::Aborted(aborted) => return failed(&aborted.rule, aborted.found.clone()),
        Ending::BrokenOff => return failed("the target is reached", "most operations did not reach it".to_owned()),
        Ending::NothingSucceeded => return failed("the target serves", "nothing succeeded".to_owned()),
        Ending::Complete | Ending::Interrupted => {}
    }
    let unknown = outcome.checks.iter().find_map(|summary| match &summary.check.verdict {
        Verdict::Unknown { reason } => Some((summary.check.property.clone(), reason.clone())),
        _ => None,
    });
    match (judge.verdict(), outcome.verdict, unknown) {
        (StepVerdict::Passed, Overall::Unknown, Some((binding, why))) => StepVerdict::Undecided { binding, why },
        (verdict, _, _) => verdict,
    }
}

fn not_played(load: f64, why: &str) -> PlayedStep {
    PlayedStep {
        load,
        verdict: StepVerdict::Unusable { why: why.to_owned() },
        is_check_broken: false,
        seconds: 0,
        seen: Vec::new(),
        thresholds: Vec::new(),
        generator: Validity::Valid,
        reasons: Vec::new(),
        record: String::new(),
    }
}

/// An answer is as good as the steps that it rests on.
fn validity(steps: &[PlayedStep]) -> (Validity, Vec<String>) {
    let usable = steps.iter().filter(|step| !matches!(step.verdict, StepVerdict::Unusable { .. }));
    let doubtful = usable.filter(|step| step.generator != Validity::Valid);
    let reasons: Vec<String> =
        doubtful.map(|step| format!("the step at {}: {}", step.load, step.reasons.join("; "))).collect();
    (if reasons.is_empty() { Validity::Valid } else { Validity::Suspect }, reasons)
}
