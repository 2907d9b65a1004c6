//! What a plan may need that not every engine has, so that an engine refuses it by name and nothing is silently left out.
//! Neighbours: each engine says what it lacks, `EngineKind::refuses` asks.

use rehearsal_scenarios::plan::Plan;

/// Something that a plan may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Tasks that are held back so that others come first.
    DelayPoints,
}

impl Feature {
    /// In words, for whoever reads why an engine refuses.
    fn words(self) -> &'static str {
        match self {
            Feature::DelayPoints => "holding tasks back",
        }
    }
}

/// What of a plan needs a feature that is lacking, in words; none if nothing does.
pub fn refusal(plan: &Plan, lacks: &[Feature]) -> Option<String> {
    let needed = needs(plan).into_iter().find(|(feature, _)| lacks.contains(feature));
    needed.map(|(feature, by)| format!("{by} needs {}", feature.words()))
}

/// What a plan needs, and which part of it does.
fn needs(plan: &Plan) -> Vec<(Feature, &'static str)> {
    let delay_points =
        (!plan.delay_points.is_empty()).then_some((Feature::DelayPoints, "`delay_points` in `[search]`"));
    delay_points.into_iter().collect()
}
