//! What a plan may need that not every engine has, so that an engine refuses it by name and nothing is silently left out.
//! Neighbours: each engine says what it lacks, `EngineKind::refuses` asks.

use rehearsal_scenarios::plan::{DatagramPlan, FaultAction, Plan};

/// Something that a plan may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Hosts whose processes are held while time goes on.
    Pause,
    /// Hosts with clocks of their own.
    ClockSkew,
    /// Links that carry so much at most.
    Bandwidth,
    /// Links that differ from the rest.
    Links,
    /// Datagrams that are lost, doubled and overtaken.
    Datagrams,
    /// Tasks that are held back so that others come first.
    DelayPoints,
}

impl Feature {
    /// In words, for whoever reads why an engine refuses.
    fn words(self) -> &'static str {
        match self {
            Feature::Pause => "pausing processes",
            Feature::ClockSkew => "clocks that differ from host to host",
            Feature::Bandwidth => "bandwidth",
            Feature::Links => "links that differ from the rest",
            Feature::Datagrams => "datagrams",
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
fn needs(plan: &Plan) -> Vec<(Feature, String)> {
    let by_fault = plan.faults.iter().filter_map(|fault| {
        let feature = match fault.action {
            FaultAction::Pause { .. } => Feature::Pause,
            FaultAction::ClockSkew { .. } => Feature::ClockSkew,
            FaultAction::Bandwidth { .. } => Feature::Bandwidth,
            FaultAction::Partition { .. }
            | FaultAction::Latency { .. }
            | FaultAction::Loss { .. }
            | FaultAction::Stop { .. }
            | FaultAction::Kill { .. }
            | FaultAction::Lose { .. } => return None,
        };
        Some((feature, format!("the fault {:?}", fault.name)))
    });
    let mut needs: Vec<(Feature, String)> = by_fault.collect();
    let mut need = |feature, is_needed: bool, by: &str| {
        if is_needed {
            needs.push((feature, by.to_owned()));
        }
    };
    let network = &plan.network;
    need(Feature::Links, !network.links.is_empty(), "`network.links`");
    let is_limited = network.links.iter().any(|link| link.bandwidth_bytes_per_s.is_some());
    need(Feature::Bandwidth, is_limited || network.bandwidth_bytes_per_s.is_some(), "`bandwidth` in `[network]`");
    need(Feature::Datagrams, network.datagrams != DatagramPlan::default(), "`network.datagrams`");
    need(Feature::DelayPoints, !plan.delay_points.is_empty(), "`delay_points` in `[search]`");
    needs
}
