//! `[network]`: how the simulated network behaves between faults. Live runs have the network they have.

use crate::diagnostics::Faults;
use crate::language::distribution::DISTRIBUTION;
use crate::language::shape::{Table, default, later};
use crate::language::units::DURATION;
use crate::language::view::View;
use crate::plan::NetworkPlan;

/// `[network]`.
pub(crate) static NETWORK: Table = Table {
    name: "`[network]`",
    doc: "the simulated network between faults",
    keys: &[
        default("latency", DISTRIBUTION, "{ uniform = ['1ms', '20ms'] }", "One-way latency of each message."),
        default(
            "tcp_timeout",
            DURATION,
            "'20s'",
            "How long an end waits for an acknowledgement or a connect before it gives up.",
        ),
    ],
    one_of: &[],
    later: &[
        later("loss", "steady loss is not there yet: use a fault with `do = \"loss\"`"),
        later("bandwidth", "bandwidth is not there yet"),
    ],
};

/// The network.
pub(crate) fn read(view: &View<'_>, faults: &mut Faults) -> Option<NetworkPlan> {
    Some(NetworkPlan { latency: view.distribution("latency", faults)?, tcp_timeout_ns: view.duration("tcp_timeout")? })
}
