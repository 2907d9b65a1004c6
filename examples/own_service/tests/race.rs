//! The shop in the simulated world, and live on this machine. `TicketShop` and `Door` are all that a service needs to be
//! rehearsed.

use own_service::serve::serve;
use own_service::shop::{Selling, Shop};
use rehearsal::{Listener, Network, Plan, Server, System};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

struct TicketShop(Selling);

impl System for TicketShop {
    fn deploy<N: Network>(&self, _: &Plan) -> Vec<Server<N>> {
        let selling = self.0;
        vec![Server::new("server-0", move |host, stop| async move {
            let spawner = host.surroundings("shop").spawner;
            let spawn = Arc::new(move |task| spawner.spawn("shop", task).detach());
            let listener = host.listen().await.expect("the port is free");
            serve(Door(listener), Arc::new(Shop::new(100, selling)), spawn, stop.asked()).await;
        })]
    }

    fn path(&self) -> &str {
        "/shop"
    }
}

/// A listener of either world as axum knows listeners.
struct Door<L>(L);

impl<L: Listener> axum::serve::Listener for Door<L> {
    type Io = L::Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (L::Stream, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok(accepted) => return accepted,
                // A machine that is out of files has some again later.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

#[test]
fn no_seat_is_sold_twice() {
    rehearsal::scenario("race.toml").system(TicketShop(Selling::TakeFirst)).seeds(1..=200).run();
}

#[test]
fn no_seat_is_sold_twice_over_real_sockets() {
    let outcome = rehearsal::scenario("race.toml").system(TicketShop(Selling::TakeFirst)).live().run();
    assert!(outcome.operations.iter().any(|operation| operation.name == "ticket" && operation.count > 0));
}

#[test]
fn a_shop_that_takes_the_seat_after_the_payment_sells_it_twice() {
    let paid_first = rehearsal::scenario("race.toml").system(TicketShop(Selling::PayFirst)).seeds(1..=200);
    let outcome = paid_first.expect_broken("a_seat_is_sold_once").run();
    assert!(outcome.story.is_some_and(|story| !story.rows.is_empty()));
}

/// A service that spawns a task past its host's spawner.
struct Stray;

impl System for Stray {
    fn deploy<N: Network>(&self, _: &Plan) -> Vec<Server<N>> {
        vec![Server::new("server-0", |_, stop| async move {
            drop(tokio::spawn(async {}));
            stop.asked().await;
        })]
    }
}

/// A service that does not get as far as listening.
struct Torn;

impl System for Torn {
    fn deploy<N: Network>(&self, _: &Plan) -> Vec<Server<N>> {
        vec![Server::new("server-0", |_, _| async { panic!("the till is empty") })]
    }
}

#[test]
fn a_task_that_came_past_the_spawner_is_told_with_its_place() {
    let outcome = rehearsal::scenario("race.toml").system(Stray).seeds(1..=1).try_run().expect("it plays");
    let told = "a task on server-0 came past its host's spawner, spawned at tests/race.rs";
    assert!(!outcome.expected && outcome.notes.iter().any(|note| note.contains(told)), "{:?}", outcome.notes);
}

#[test]
fn what_cannot_be_rehearsed_is_told_and_is_no_outcome() {
    let trouble = |rehearsal: rehearsal::Rehearsal| rehearsal.try_run().err().map(|trouble| trouble.to_string());
    let without = trouble(rehearsal::scenario("race.toml")).expect("there is no system");
    assert!(without.contains("hand it in with `.system(…)`"), "{without}");
    let nowhere = trouble(rehearsal::scenario("nowhere.toml").system(Stray)).expect("there is no file");
    assert!(nowhere.contains("cannot read nowhere.toml"), "{nowhere}");
    let torn = trouble(rehearsal::scenario("race.toml").system(Torn).live()).expect("it panics");
    assert!(torn.contains("server: the till is empty"), "{torn}");
}
