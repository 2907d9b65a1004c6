//! The public API of the root package, as a dependant uses it: every public item, with the types that a test of another
//! package may rely on. What is taken away or changed does not compile here; what is added is missing in the list.
//!
//! Left out: whether a change is a breaking one in the eyes of cargo; `scripts/public-api` asks the tools for that where they
//! are installed.

use rehearsal::{
    DatagramSocket, Endpoint, Host, Listener, Met, Network, Outcome, Overall, Plan, Random, Rehearsal, Server, Spawn,
    Stop, Stream, Surroundings, System, Task, TaskHandle, Timers, Trouble, Validity, WallClock, scenario,
};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A system as a dependant writes it.
struct Nothing;

impl System for Nothing {
    fn deploy<N: Network>(&self, _: &Plan) -> Vec<Server<N>> {
        vec![Server::new("server-0", serve)]
    }
}

async fn serve<N: Network>(host: Host<N>, stop: Stop) {
    let (name, incarnation): (&Arc<str>, u32) = (&host.name, host.incarnation);
    let _ = (name, incarnation);
    let Surroundings { clock, timers, random, spawner } = host.surroundings("nothing");
    let _: (Arc<dyn WallClock>, Arc<dyn Timers>, Arc<dyn Random>) = (clock, timers, random);
    let task: Task = Box::pin(async {});
    let spawned: TaskHandle = Spawn::spawn(&*spawner, "nothing", task);
    spawned.detach();
    let listener: std::io::Result<N::Listener> = host.listen().await;
    if let Ok(mut listener) = listener {
        let _ = Listener::local_addr(&listener);
        let accepted: std::io::Result<(N::Stream, _)> = listener.accept().await;
        accepted.into_iter().for_each(|(stream, _)| Stream::abort(stream));
    }
    let elsewhere = Endpoint { host: "server-1".to_owned(), port: 8080, tls: false };
    let connected: std::io::Result<N::Stream> = host.network.connect(&elsewhere).await;
    connected.into_iter().for_each(Stream::abort);
    if let Ok(datagrams) = host.network.bind_datagram("0.0.0.0:0").await {
        let _: std::io::Result<()> = DatagramSocket::send_to(&datagrams, b"hello", "server-1:9000").await;
    }
    stop.asked().await;
}

/// What came of it, as a test looks at it.
fn is_sound(outcome: &Outcome) -> bool {
    let kept_up = outcome.generator.as_ref().is_none_or(|generator| generator.validity == Validity::Valid);
    let all_met = outcome.thresholds.iter().all(|threshold| threshold.verdict == Met::Met);
    outcome.verdict == Overall::Holds && all_met && kept_up && outcome.passes()
}

#[test]
fn what_a_dependant_calls_keeps_its_types() {
    let _: fn(&'static str) -> Rehearsal = scenario;
    let _: fn(Rehearsal, Nothing) -> Rehearsal = Rehearsal::system;
    let _: fn(Rehearsal, RangeInclusive<u64>) -> Rehearsal = Rehearsal::seeds;
    let _: fn(Rehearsal, &str) -> Rehearsal = Rehearsal::expect_broken;
    let _: fn(Rehearsal) -> Outcome = Rehearsal::run;
    let _: fn(&Outcome) -> bool = is_sound;
    let _: fn(Rehearsal) -> Result<Outcome, Trouble> = Rehearsal::try_run;
    let _: fn(Rehearsal) -> Rehearsal = Rehearsal::live;
    let _: fn(Rehearsal, &str) -> Rehearsal = Rehearsal::variant;
    let defaults: (u16, &str) = (System::port(&Nothing), System::path(&Nothing));
    assert_eq!(defaults, (8080, "/"));
    fn is_error<E: std::error::Error + Clone + Send + Sync>() {}
    is_error::<Trouble>();
}

#[test]
fn nothing_is_public_that_is_not_used_here() {
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.filter(|word| word.starts_with(char::is_uppercase) || *word == "scenario").map(str::to_owned).collect()
    };
    let exported: String =
        include_str!("../src/lib.rs").lines().filter(|line| line.starts_with("pub use")).collect::<Vec<_>>().join(" ");
    let used = include_str!("public_api.rs");
    let used =
        used.split_once("use rehearsal::{").and_then(|(_, rest)| rest.split_once("};")).map_or("", |(list, _)| list);
    assert_eq!(words(&exported), words(used));
}
