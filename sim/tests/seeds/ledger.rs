//! The entropy ledger: the reference system uses no door to the machine, and a program that does is named in one run.

use crate::scenes::{RACE, plan, played, seed_options};
use rehearsal_reference::network::{Endpoint, Listener, Network};
use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, library, load};
use rehearsal_sim::entropy::{Call, Charge, Door};
use rehearsal_sim::host::Host;
use rehearsal_sim::seed::{Callers, MoreHost, SeedRun, Setup, play_with};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PORT: u16 = 9_000;

/// Files of more users send the same messages, only more of them, and each mask is a look at the stack here.
const USERS_MAX: usize = 20;

/// What a planted server answers with.
type Answer = fn() -> u64;

#[allow(clippy::disallowed_methods, reason = "the door that is planted")]
fn time_of_day() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[allow(clippy::disallowed_methods, reason = "the door that is planted")]
fn throw_of_dice() -> u64 {
    use rand::RngExt;
    rand::rng().random_range(1..=6)
}

/// Asks the machine itself, not a generator that was seeded by it long ago.
fn draw_of_the_machine() -> u64 {
    use rand::TryRng;
    u64::from(rand::rngs::SysRng.try_next_u32().unwrap()) + 1
}

fn server(name: &str, answer: Answer) -> MoreHost {
    MoreHost { name: name.to_owned(), program: Arc::new(move |host| Box::pin(serve(host, answer))) }
}

async fn serve(host: Host, answer: Answer) {
    let spawner = host.surroundings("planted").spawner;
    let mut listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
    while let Ok((mut stream, _)) = listener.accept().await {
        let connection = async move { drop(stream.write_all(&answer().to_be_bytes()).await) };
        spawner.spawn("planted connection", Box::pin(connection)).detach();
    }
}

/// Asks each server every 300 ms, so that the reference system's own traffic comes between.
fn client(servers: &'static [&'static str]) -> MoreHost {
    let program = move |host: Host| async move {
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            for server in servers {
                let endpoint = Endpoint { host: (*server).to_owned(), port: PORT, tls: false };
                let mut stream = host.network.connect(&endpoint).await.unwrap();
                assert!(stream.read_u64().await.unwrap() > 0);
            }
        }
    };
    MoreHost { name: "curious".to_owned(), program: Arc::new(move |host| Box::pin(program(host))) }
}

fn named(source: &str, seed: u64, more_hosts: Vec<MoreHost>) -> SeedRun {
    let setup = Setup { options: seed_options(), callers: Callers::Named, more_hosts, ..Setup::default() };
    let run = play_with(plan(source, seed), setup);
    assert_eq!(run.failure, None);
    run
}

fn charges(run: &SeedRun) -> Vec<&Call> {
    run.ledger.charges().collect()
}

#[test]
fn a_planted_wall_clock_and_a_planted_generator_are_each_named_in_one_run() {
    let planted =
        vec![server("clockmaker", time_of_day), server("gambler", throw_of_dice), client(&["clockmaker", "gambler"])];
    let run = named(RACE, 1, planted);
    let charges = charges(&run);
    let [dice, clock] = charges.as_slice() else { panic!("{:#?}", run.ledger.calls) };
    assert_eq!((dice.door, &*dice.host, dice.origin), (Door::Randomness, "gambler", "planted connection"));
    assert!(dice.caller.contains("throw_of_dice") && dice.caller.contains("ledger.rs:"), "{dice:?}");
    assert_eq!((clock.door, &*clock.host, clock.origin), (Door::WallClock, "clockmaker", "planted connection"));
    assert!(clock.caller.contains("time_of_day") && clock.caller.contains("ledger.rs:"), "{clock:?}");
    assert_eq!((dice.times, clock.times), (4, 4), "each answer is a use");
    assert!(dice.first_ns > 300_000_000, "{dice:?}");
}

#[test]
fn nothing_of_the_reference_system_uses_a_door_in_any_scenario_of_the_library() {
    for name in library::names() {
        let source = library::get(name).unwrap();
        let scenario = load(name, source.as_bytes(), &Overrides::default()).unwrap();
        let setup = Setup { options: seed_options(), callers: Callers::Named, ..Setup::default() };
        let plan = Arc::new(scenario.plan(1, World::Simulated));
        if plan.users.len() > USERS_MAX {
            continue;
        }
        let run = play_with(plan, setup);
        assert!(charges(&run).is_empty(), "{name}: {:#?}", charges(&run));
        let masks = run.ledger.calls.iter().filter(|call| call.caller.contains("mask"));
        assert!(masks.map(|call| call.times).sum::<u64>() > 0, "{name}: clients mask what they send");
    }
}

#[test]
fn what_libraries_draw_is_excused_and_counted_by_host() {
    let run = named(RACE, 1, Vec::new());
    let excused = |call: &&Call| matches!(call.charge, Charge::Excused(_));
    let excused: Vec<_> = run.ledger.calls.iter().filter(excused).collect();
    assert!(
        excused.iter().any(|call| call.caller.contains("tungstenite") && &*call.host == "clients-host0"),
        "{excused:#?}"
    );
    let plain = played(RACE, 1);
    assert!(plain.ledger.calls.is_empty(), "callers cost too much to be named unasked");
    let hosts: Vec<_> = plain.ledger.hosts.iter().map(|row| row.host.as_deref().unwrap_or("engine")).collect();
    assert_eq!(hosts, ["clients-host0", "rehearsal-run", "server-0", "workers-host0", "engine"]);
    let looks = |host: &str| plain.ledger.hosts.iter().find(|row| row.host.as_deref() == Some(host)).unwrap().counts;
    assert_eq!(looks("clients-host0").wall_clock, 0, "no library of a client looks at the time of day");
    assert!(looks("server-0").wall_clock > 0, "hyper keeps a date for its header");
}

#[test]
fn naming_callers_changes_no_event() {
    for seed in 1..=3 {
        assert_eq!(named(RACE, seed, Vec::new()).events, played(RACE, seed).events);
    }
}

#[test]
fn a_draw_more_is_another_hash_of_the_seed() {
    let with = |answer: Answer| {
        let more_hosts = vec![server("planted", answer), client(&["planted"])];
        let setup = Setup { options: seed_options(), more_hosts, ..Setup::default() };
        play_with(plan(RACE, 1), setup)
    };
    let ([never, again], drawn) = ([with(|| 7), with(|| 7)], with(draw_of_the_machine));
    assert_eq!(never.events, drawn.events, "users cannot see it");
    assert_eq!(never.hash, again.hash);
    assert_ne!(never.hash, drawn.hash);
}
