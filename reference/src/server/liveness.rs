//! Whether the other side is still there: numbered pings, and pongs that carry the number back. Neighbours: `socket`.

use super::ServerOptions;
use super::outbound::Outgoing;
use crate::surroundings::Timers;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Notify, mpsc};

/// The pongs that came on a connection.
#[derive(Default)]
pub(super) struct Pongs {
    last: AtomicU64,
    came: Notify,
}

impl Pongs {
    /// A pong came. One that answers no ping of ours, as anybody may send, has another payload and is passed over.
    pub(super) fn heard(&self, payload: &[u8]) {
        if let Ok(number) = payload.try_into().map(u64::from_be_bytes) {
            self.last.store(number, Ordering::Relaxed);
            self.came.notify_one();
        }
    }

    async fn until(&self, number: u64) {
        while self.last.load(Ordering::Relaxed) != number {
            self.came.notified().await;
        }
    }
}

/// Pings, and ends when a ping is not answered in time, by the timers of the host.
pub(super) async fn watch(queue: &mpsc::Sender<Outgoing>, pongs: &Pongs, options: &ServerOptions, timers: &dyn Timers) {
    for number in 1.. {
        timers.sleep(options.ping_every).await;
        // A ping that finds no place was not sent. Who takes nothing for as long as a pong may take is not there either.
        let sent = timers.timeout(options.pong_within, queue.send(Outgoing::Ping(number))).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
        if timers.timeout(options.pong_within, pongs.until(number)).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surroundings::TokioTimers;
    use std::time::Duration;
    use tokio::time::Instant;

    fn options() -> ServerOptions {
        let (ping_every, pong_within) = (Duration::from_secs(20), Duration::from_secs(20));
        ServerOptions { ping_every, pong_within, ..ServerOptions::default() }
    }

    /// Watches a side that treats the numbers of pings like this; for how long it is thought to be there.
    async fn lasts(mut answer: impl FnMut(u64) -> Option<u64>) -> Duration {
        let (pongs, options, began) = (Pongs::default(), options(), Instant::now());
        let timers = TokioTimers::new();
        let (queue, mut queued) = mpsc::channel(8);
        let answering = async {
            while let Some(Outgoing::Ping(number)) = queued.recv().await {
                if let Some(number) = answer(number) {
                    pongs.heard(&number.to_be_bytes());
                }
            }
        };
        tokio::select! {
            () = watch(&queue, &pongs, &options, &timers) => began.elapsed(),
            () = answering => panic!("the queue is open"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_pong_to_the_last_ping_counts() {
        let sec = Duration::from_secs;
        assert_eq!(lasts(|_| None).await, sec(40));
        assert_eq!(lasts(|number| Some(number + 1)).await, sec(40));
        assert_eq!(lasts(|number| (number <= 3).then_some(number)).await, sec(100));
        assert_eq!(lasts(|_| Some(1)).await, sec(60), "an old pong answers no new ping");
    }

    #[tokio::test(start_paused = true)]
    async fn a_ping_that_finds_no_place_is_not_sent_and_ends_in_time() {
        let (queue, _queued) = mpsc::channel(1);
        queue.try_send(Outgoing::Text(String::new())).unwrap();
        let began = Instant::now();
        // Even a pong ahead of its ping does not help: nothing is taken.
        watch(&queue, &Pongs::default(), &options(), &TokioTimers::new()).await;
        assert_eq!(began.elapsed(), Duration::from_secs(40));
    }

    #[test]
    fn a_pong_with_another_payload_is_passed_over() {
        let pongs = Pongs::default();
        pongs.heard(b"");
        pongs.heard(b"unasked for");
        assert_eq!(pongs.last.load(Ordering::Relaxed), 0);
    }
}
