//! Faults, links and delay points in words, for the time-line. Neighbours: `timeline`.

use super::timeline::{duration_text, random};
use crate::distribution::Nanos;
use crate::plan::{Begin, FaultAction, FaultPlan, LinkPlan, NetworkPlan, Passing, Sight, Way};

/// What a fault does, to whom, for how long.
pub(super) fn doing(fault: &FaultPlan) -> String {
    let lasts = fault.for_ns.map_or_else(String::new, |for_ns| format!(" for {}", duration_text(for_ns)));
    match &fault.action {
        FaultAction::Partition { left, right, way } => {
            let arrow = match way {
                Way::Both => "<-x->",
                Way::LeftToRight => "-x->",
                Way::RightToLeft => "<-x-",
            };
            format!("partition {}{lasts}", link(left, arrow, right))
        }
        FaultAction::Latency { left, right, added } => {
            format!("latency + {} {}{lasts}", random(added), link(left, "<->", right))
        }
        FaultAction::Loss { left, right, share } => {
            format!("loss of {} % {}{lasts}", share * 100.0, link(left, "<->", right))
        }
        FaultAction::Bandwidth { left, right, bytes_per_s } => {
            format!("at most {bytes_per_s} B/s {}{lasts}", link(left, "<->", right))
        }
        FaultAction::Stop { hosts, grace_ns } => {
            let back =
                fault.for_ns.map_or_else(String::new, |for_ns| format!(", back {} later", duration_text(for_ns)));
            format!("stop {} within {}{back}", hosts.join(" "), duration_text(*grace_ns))
        }
        FaultAction::Kill { hosts } => format!("kill {}{lasts}", hosts.join(" ")),
        FaultAction::Lose { hosts } => format!("lose {}{lasts}", hosts.join(" ")),
        FaultAction::Pause { hosts } => format!("pause {}{lasts}", hosts.join(" ")),
        FaultAction::ClockSkew { hosts, offset_ns, drift_ppm } => {
            let sign = if *offset_ns < 0 { '-' } else { '+' };
            let offset = duration_text(offset_ns.unsigned_abs());
            format!("clocks {sign}{offset} and {drift_ppm:+} ppm {}{lasts}", hosts.join(" "))
        }
    }
}

/// When a fault that has begun at a known time is over, and what that looks like; none if nobody knows.
pub(super) fn end(fault: &FaultPlan) -> Option<(Nanos, &'static str)> {
    let at_ns = fault.at_ns()?.saturating_add(fault.for_ns?);
    match fault.action {
        FaultAction::Stop { .. } => None,
        FaultAction::Kill { .. } | FaultAction::Lose { .. } => Some((at_ns, "back again")),
        FaultAction::Pause { .. } => Some((at_ns, "runs on")),
        FaultAction::ClockSkew { .. } => Some((at_ns, "clocks are right again")),
        _ => Some((at_ns, "heals")),
    }
}

/// Faults that wait for a message, a line each.
pub(super) fn waiting(fault: &FaultPlan) -> Option<String> {
    let Begin::After(Sight { users, passing, pattern, nth, delay_ns }) = &fault.begins else { return None };
    let passing = match passing {
        Passing::Sent => "send",
        Passing::Received => "receive",
    };
    let delay = duration_text(*delay_ns);
    Some(format!(
        "{}: {delay} after {} {passing} {pattern} (number {nth} of all): {}",
        fault.name,
        users.join(" "),
        doing(fault)
    ))
}

/// What is special about the network, a line each.
pub(super) fn network(network: &NetworkPlan) -> Vec<String> {
    let limit = |bytes_per_s: u64| format!("at most {bytes_per_s} B/s each way");
    let special = |LinkPlan { name, left, right, latency, bandwidth_bytes_per_s }: &LinkPlan| {
        let latency = latency.as_ref().map(|latency| format!("latency {}", random(latency)));
        let parts: Vec<String> = latency.into_iter().chain(bandwidth_bytes_per_s.map(limit)).collect();
        format!("link {name}: {}, {}", link(left, "<->", right), parts.join(", "))
    };
    let everywhere = network.bandwidth_bytes_per_s.map(|bytes_per_s| format!("every link: {}", limit(bytes_per_s)));
    everywhere.into_iter().chain(network.links.iter().map(special)).collect()
}

fn link(left: &[String], arrow: &str, right: &[String]) -> String {
    format!("{} {arrow} {}", left.join(" "), right.join(" "))
}
