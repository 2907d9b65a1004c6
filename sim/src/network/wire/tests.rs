//! What a wire promises, moment by moment. The latency is 10 ms, the time-out 1 s.

use super::*;
use crate::network::link::Link;
use rehearsal_scenarios::distribution::Distribution;

const MS: Nanos = 1_000_000;
const LATENCY: Distribution = Distribution::Fixed(10 * MS);

/// A wire between two hosts, and a clock.
struct Bench {
    wire: Wire,
    links: [Link; 2],
    now: Nanos,
}

impl Bench {
    fn new() -> Bench {
        // A place whose draws split nothing and give no way in these few chunks.
        Bench { wire: Wire::new(Draw::of_seed(even_seed())), links: Default::default(), now: 0 }
    }

    fn with<R>(&mut self, work: impl FnOnce(&mut Wire, &Moment<'_>, &mut Vec<Waker>) -> R) -> R {
        let links = [&self.links[0], &self.links[1]];
        let at = Moment { now: self.now, links, latency: &LATENCY, tcp_timeout_ns: 1_000 * MS };
        work(&mut self.wire, &at, &mut Vec::new())
    }

    fn at(&mut self, now_ms: u64) -> &mut Bench {
        self.now = now_ms * MS;
        self
    }

    fn send(&mut self, side: Side) -> Writing {
        self.with(|wire, at, wake| {
            let writing = wire.write(side, 4, at);
            if let Writing::Send(bytes) = writing {
                wire.sent(side, bytes, at, wake);
            }
            writing
        })
    }

    fn read(&mut self, side: Side) -> Reading {
        self.with(|wire, at, wake| {
            let reading = wire.read(side, at);
            if let Reading::Data(bytes) = reading {
                wire.taken(side, bytes, wake);
            }
            reading
        })
    }

    fn cut(&mut self, side: Side) {
        let now = self.now;
        self.links[side as usize].cut(0, now);
        self.with(|wire, at, wake| wire.link_cut(side, at, wake));
    }

    fn heal(&mut self, side: Side) {
        let since = self.links[side as usize].end(0).unwrap();
        self.with(|wire, at, wake| wire.link_healed(side, since, at, wake));
    }
}

fn even_seed() -> u64 {
    let is_even = |seed: &u64| {
        let mut flows = [Side::Client, Side::Server].map(|side| Flow::new(side, Draw::of_seed(*seed).at(side as u64)));
        let link = Link::default();
        let at = Moment { now: 0, links: [&link, &link], latency: &LATENCY, tcp_timeout_ns: MS };
        flows.iter_mut().all(|flow| {
            (0..4).all(|_| {
                let whole = flow.portion_to_send(4) == 4;
                flow.push(What::Data(4), &at);
                let chunk = *flow.chunks.back().unwrap();
                whole && flow.portion_to_read(&chunk, 4) == 4 && !flow.gives_way(&chunk)
            })
        })
    };
    (0..10_000).find(is_even).unwrap()
}

use Side::{Client, Server};

#[test]
fn bytes_arrive_after_a_latency_and_not_before() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(Client), Writing::Send(4));
    assert_eq!(bench.at(9).read(Server), Reading::Wait(Some(10 * MS)));
    assert_eq!(bench.at(10).read(Server), Reading::Data(4));
    assert_eq!(bench.read(Server), Reading::Wait(None));
}

#[test]
fn a_cut_holds_what_is_under_way_and_lets_go_what_had_arrived() {
    let mut bench = Bench::new();
    bench.send(Client);
    bench.at(5).send(Client);
    bench.at(12).cut(Client);
    assert_eq!(bench.at(50).read(Server), Reading::Data(4), "the first had arrived before the cut");
    assert_eq!(bench.read(Server), Reading::Wait(None), "the second had not");
    bench.at(100).heal(Client);
    assert_eq!(bench.at(109).read(Server), Reading::Wait(Some(110 * MS)));
    assert_eq!(bench.at(110).read(Server), Reading::Data(4));
}

#[test]
fn who_waits_for_an_acknowledgement_times_out_and_an_idle_end_does_not() {
    let mut bench = Bench::new();
    bench.cut(Client);
    bench.at(100).send(Client);
    assert_eq!(bench.at(1_099).read(Client), Reading::Wait(Some(1_100 * MS)));
    assert_eq!(bench.at(1_100).read(Client), Reading::Failed(io::ErrorKind::TimedOut));
    assert_eq!(bench.send(Client), Writing::Failed(io::ErrorKind::TimedOut));
    assert_eq!(bench.at(5_000).read(Server), Reading::Wait(None));
    bench.heal(Client);
    assert_eq!(bench.at(6_000).read(Server), Reading::Wait(None), "what timed out never arrives");
    assert_eq!(bench.send(Server), Writing::IntoTheVoid);
    assert_eq!(bench.at(6_020).read(Server), Reading::Failed(io::ErrorKind::ConnectionReset));
}

#[test]
fn a_cut_of_the_way_back_lets_data_through_but_not_its_acknowledgement() {
    let mut bench = Bench::new();
    bench.cut(Server);
    bench.send(Client);
    assert_eq!(bench.at(10).read(Server), Reading::Data(4));
    assert_eq!(bench.at(1_000).read(Client), Reading::Failed(io::ErrorKind::TimedOut));
    let mut healed = Bench::new();
    healed.cut(Server);
    healed.send(Client);
    healed.at(999).heal(Server);
    assert_eq!(healed.at(2_000).read(Client), Reading::Wait(None));
}

#[test]
fn a_close_is_an_end_after_the_data_and_a_reset_if_something_was_unread() {
    let mut bench = Bench::new();
    bench.send(Client);
    bench.with(|wire, at, wake| wire.close(Client, at, wake));
    assert_eq!(bench.at(10).read(Server), Reading::Data(4));
    assert_eq!((bench.read(Server), bench.read(Server)), (Reading::End, Reading::End));
    let mut unread = Bench::new();
    unread.send(Client);
    unread.at(10).with(|wire, at, wake| wire.close(Server, at, wake));
    assert_eq!(unread.at(19).read(Client), Reading::Wait(Some(20 * MS)));
    assert_eq!(unread.at(20).read(Client), Reading::Failed(io::ErrorKind::ConnectionReset));
}

#[test]
fn a_lost_machine_is_silent_until_another_has_its_place() {
    let mut bench = Bench::new();
    bench.with(|wire, at, wake| wire.silence(Server, at, wake));
    assert_eq!(bench.at(100).read(Client), Reading::Wait(None));
    assert_eq!(bench.send(Client), Writing::IntoTheVoid);
    assert_eq!(bench.at(500).read(Client), Reading::Wait(Some(1_100 * MS)));
    bench.with(|wire, at, wake| wire.replaced(Server, at, wake));
    assert_eq!(bench.at(520).read(Client), Reading::Failed(io::ErrorKind::ConnectionReset));
}

#[test]
fn splits_lose_nothing_and_giving_way_ends() {
    let mut uneven = 0;
    for seed in 0..200 {
        let mut bench = Bench { wire: Wire::new(Draw::of_seed(seed)), links: Default::default(), now: 0 };
        let (mut sent, mut heard, mut gave_way) = (0, 0, 0);
        while sent < 12 {
            let Writing::Send(bytes) = bench.send(Client) else { panic!("there is room") };
            uneven += usize::from(bytes < 4);
            sent += bytes;
        }
        bench.at(10);
        while heard < sent {
            match bench.read(Server) {
                Reading::Data(bytes) => heard += bytes,
                Reading::GiveWay => gave_way += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(heard, sent);
        assert!(gave_way <= 12);
        uneven += gave_way;
    }
    assert!(uneven > 50, "{uneven}");
}
