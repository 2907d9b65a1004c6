//! What a wire promises, moment by moment. The latency is 10 ms, the time-out 1 s.

use super::*;
use Side::{Client, Server};
use rehearsal_loadgen::faults::link::Link;
use rehearsal_scenarios::distribution::Distribution;

const MS: Nanos = 1_000_000;

/// A wire between two hosts, and a clock.
struct Bench {
    wire: Wire,
    links: [Link; 2],
    now: Nanos,
}

impl Bench {
    fn new() -> Bench {
        Bench::played(Draw::of_seed(1), Manner::Plain)
    }

    fn played(draw: Draw, manner: Manner) -> Bench {
        let links = [(); 2].map(|()| Link::new(Distribution::Fixed(10 * MS), None));
        Bench { wire: Wire::new(draw, manner), links, now: 0 }
    }

    fn with<R>(&mut self, work: impl FnOnce(&mut Wire, &Moment<'_>) -> R) -> R {
        let links = [&self.links[0], &self.links[1]];
        work(&mut self.wire, &Moment { now: self.now, hosts: [0, 1], links, tcp_timeout_ns: 1_000 * MS })
    }

    fn at(&mut self, now_ms: u64) -> &mut Bench {
        self.now = now_ms * MS;
        self
    }

    fn send(&mut self, side: Side) -> Writing {
        self.write(side, b"word")
    }

    fn write(&mut self, side: Side, bytes: &[u8]) -> Writing {
        self.with(|wire, at| wire.write(side, bytes, at))
    }

    /// What a reader finds, and the bytes that it gets.
    fn find(&mut self, side: Side) -> (Reading, Vec<u8>) {
        let mut room = [0; 64 << 10];
        let mut buffer = ReadBuf::new(&mut room);
        let reading = self.with(|wire, at| wire.read(side, &mut buffer, at));
        (reading, buffer.filled().to_vec())
    }

    fn read(&mut self, side: Side) -> Reading {
        self.find(side).0
    }

    /// When a reader that waits is to be woken, in milliseconds.
    fn next_look_ms(&mut self, side: Side) -> Option<u64> {
        self.with(|wire, at| {
            wire.wait(side, Half::Reading, Waker::noop());
            wire.next_look_ns(side, Half::Reading, at).map(|due| due / MS)
        })
    }

    fn cut(&mut self, side: Side) {
        let now = self.now;
        self.links[side as usize].cut(0, now);
        self.with(|wire, at| wire.link_cut(side, at));
    }

    fn heal(&mut self, side: Side) {
        let since = self.links[side as usize].end(0).unwrap();
        self.with(|wire, at| wire.link_healed(side, since, at));
    }
}

#[test]
fn bytes_arrive_after_a_latency_and_not_before() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(Client), Writing::Sent(4));
    assert_eq!(bench.at(9).read(Server), Reading::Wait);
    assert_eq!(bench.next_look_ms(Server), Some(10));
    assert_eq!(bench.at(10).find(Server), (Reading::Data, b"word".to_vec()));
    assert_eq!((bench.read(Server), bench.next_look_ms(Server)), (Reading::Wait, None));
}

#[test]
fn a_cut_holds_what_is_under_way_and_lets_go_what_had_arrived() {
    let mut bench = Bench::new();
    bench.send(Client);
    bench.at(5).send(Client);
    bench.at(12).cut(Client);
    assert_eq!(bench.at(50).read(Server), Reading::Data, "the first had arrived before the cut");
    assert_eq!(bench.read(Server), Reading::Wait, "the second had not");
    bench.at(100).heal(Client);
    assert_eq!((bench.at(109).read(Server), bench.next_look_ms(Server)), (Reading::Wait, Some(110)));
    assert_eq!(bench.at(110).read(Server), Reading::Data);
}

#[test]
fn who_waits_for_an_acknowledgement_times_out_and_an_idle_end_does_not() {
    let mut bench = Bench::new();
    bench.cut(Client);
    bench.at(100).send(Client);
    assert_eq!((bench.at(1_099).read(Client), bench.next_look_ms(Client)), (Reading::Wait, Some(1_100)));
    assert_eq!(bench.at(1_100).read(Client), Reading::Failed(io::ErrorKind::TimedOut));
    assert_eq!(bench.send(Client), Writing::Failed(io::ErrorKind::TimedOut));
    assert_eq!(bench.at(5_000).read(Server), Reading::Wait);
    bench.heal(Client);
    assert_eq!(bench.at(6_000).read(Server), Reading::Wait, "what timed out never arrives");
    assert_eq!(bench.send(Server), Writing::Sent(4));
    assert_eq!(bench.at(6_020).read(Server), Reading::Failed(io::ErrorKind::ConnectionReset));
}

#[test]
fn a_cut_of_the_way_back_lets_data_through_but_not_its_acknowledgement() {
    let mut bench = Bench::new();
    bench.cut(Server);
    bench.send(Client);
    assert_eq!(bench.at(10).read(Server), Reading::Data);
    assert_eq!(bench.at(1_000).read(Client), Reading::Failed(io::ErrorKind::TimedOut));
    let mut healed = Bench::new();
    healed.cut(Server);
    healed.send(Client);
    healed.at(999).heal(Server);
    assert_eq!(healed.at(2_000).read(Client), Reading::Wait);
}

#[test]
fn a_close_is_an_end_after_the_data_and_a_reset_if_something_was_unread() {
    let mut bench = Bench::new();
    bench.send(Client);
    bench.with(|wire, at| wire.close(Client, at));
    assert_eq!(bench.at(10).read(Server), Reading::Data);
    assert_eq!((bench.read(Server), bench.read(Server)), (Reading::End, Reading::End));
    let mut unread = Bench::new();
    unread.send(Client);
    unread.at(10).with(|wire, at| wire.close(Server, at));
    assert_eq!((unread.at(19).read(Client), unread.next_look_ms(Client)), (Reading::Wait, Some(20)));
    assert_eq!(unread.at(20).read(Client), Reading::Failed(io::ErrorKind::ConnectionReset));
}

#[test]
fn a_lost_machine_is_silent_until_another_has_its_place() {
    let mut bench = Bench::new();
    bench.with(|wire, at| wire.silence(Server, at));
    assert_eq!(bench.at(100).read(Client), Reading::Wait);
    assert_eq!(bench.send(Client), Writing::Sent(4));
    assert_eq!((bench.at(500).read(Client), bench.next_look_ms(Client)), (Reading::Wait, Some(1_100)));
    bench.with(|wire, at| wire.replaced(Server, at));
    assert_eq!(bench.at(520).read(Client), Reading::Failed(io::ErrorKind::ConnectionReset));
}

#[test]
fn splits_lose_nothing_and_giving_way_ends() {
    let mut uneven = 0;
    for seed in 0..200 {
        let mut bench = Bench::played(Draw::of_seed(seed), Manner::Searching);
        let (words, mut sent, mut heard, mut gave_way) = (b"three words..", 0, Vec::new(), 0);
        while sent < words.len() {
            let Writing::Sent(bytes) = bench.write(Client, &words[sent..]) else { panic!("there is room") };
            sent += bytes;
            uneven += usize::from(sent < words.len());
        }
        bench.at(10);
        while heard.len() < sent {
            match bench.find(Server) {
                (Reading::Data, bytes) => heard.extend(bytes),
                (Reading::GiveWay, _) => gave_way += 1,
                (other, _) => panic!("{other:?}"),
            }
        }
        assert_eq!(heard, words);
        assert!(gave_way <= words.len());
        uneven += gave_way;
    }
    assert!(uneven > 50, "{uneven}");
}

#[test]
fn a_writer_has_room_again_once_the_news_of_a_read_has_travelled_back() {
    let mut bench = Bench::new();
    assert_eq!(bench.write(Client, &vec![7; WINDOW_BYTES + 1]), Writing::Sent(WINDOW_BYTES));
    assert_eq!(bench.send(Client), Writing::Wait);
    assert_eq!(bench.at(50).find(Server).1.len(), 64 << 10);
    assert_eq!(bench.at(59).send(Client), Writing::Wait);
    assert_eq!(bench.at(60).send(Client), Writing::Sent(4));
    let mut cut = Bench::new();
    cut.write(Client, &vec![7; WINDOW_BYTES]);
    cut.at(50).read(Server);
    cut.cut(Server);
    assert_eq!(cut.at(100).send(Client), Writing::Wait, "the news is held back");
    cut.heal(Server);
    assert_eq!(cut.at(109).send(Client), Writing::Wait);
    assert_eq!(cut.at(110).send(Client), Writing::Sent(4));
}

#[test]
fn who_writes_after_a_reset_has_arrived_hears_of_it() {
    let mut bench = Bench::new();
    bench.with(|wire, at| wire.abort(Server, at));
    assert_eq!(bench.at(9).send(Client), Writing::Sent(4));
    assert_eq!(bench.at(10).send(Client), Writing::Failed(io::ErrorKind::ConnectionReset));
}
