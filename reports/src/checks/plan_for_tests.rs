//! A plan without users, for tests that judge or count hand-made events.

use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::*;

const SECOND_NS: u64 = 1_000_000_000;

/// 10 s of ramp, 10 s of measuring, 5 s to settle.
pub fn plan(world: World) -> Plan {
    Plan {
        scenario: "hand_made".into(),
        about: String::new(),
        parameters: Default::default(),
        seed: 1,
        world,
        system: SystemPlan {
            service: Service::Reference,
            stage: Stage::Single,
            servers: 1,
            defects: Vec::new(),
            restart_takes_ns: SECOND_NS,
            profile: Profile::Documented,
            identity: Default::default(),
            limits: Limits::default(),
        },
        network: NetworkPlan::new(Distribution::Fixed(1_000_000), 20 * SECOND_NS),
        rooms: vec!["room-0".into()],
        tables: Default::default(),
        users: Vec::new(),
        faults: Vec::new(),
        delay_points: Vec::new(),
        drawn: Vec::new(),
        phases: Phases {
            ramp_ns: 10 * SECOND_NS,
            warmup_ns: 0,
            measure_ns: 10 * SECOND_NS,
            settle_ns: 5 * SECOND_NS,
            ..Phases::default()
        },
        prepare: PreparePlan { sign_in_rate: 10.0, identities: Identities::PerUser },
        checks: ChecksPlan::default(),
        thresholds: Vec::new(),
        live: LivePlan::default(),
        expect: Expectation::Holds,
    }
}
