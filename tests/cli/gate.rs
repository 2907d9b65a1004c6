//! A gate between a run and its target: it lets every byte pass until the n-th request of a kind, which it holds for ever.
//! So a test finds a run at one and the same point each time, without waiting for a clock.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a test stands between two real processes")]

use crate::support::Server;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// A gate in front of a server that has one port.
pub struct Gate {
    port: u16,
    held: Receiver<()>,
}

/// What is held.
#[derive(Clone)]
struct Hold {
    request: &'static str,
    nth: usize,
    seen: Arc<AtomicUsize>,
    tell: Arc<Mutex<Sender<()>>>,
}

impl Gate {
    /// Holds the `nth` request, from 1, whose head begins like this, such as `POST /anonymous-signin`.
    pub fn before(server: &Server, request: &'static str, nth: usize) -> Gate {
        let target = server.ws.trim_start_matches("ws://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (tell, held) = channel();
        let hold = Hold { request, nth, seen: Arc::default(), tell: Arc::new(Mutex::new(tell)) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(run), Ok(server)) = (stream, TcpStream::connect(&target)) else { return };
                let hold = hold.clone();
                let (from_run, to_server) = (run.try_clone().expect("open"), server.try_clone().expect("open"));
                thread::spawn(move || pass_on(from_run, to_server, |bytes| !hold.holds(bytes)));
                thread::spawn(move || pass_on(server, run, |_| true));
            }
        });
        Gate { port, held }
    }

    /// Where the run goes.
    pub fn ws(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Until the request has come.
    pub fn wait_until_it_holds(&self) {
        self.held.recv().expect("the gate is there as long as its listener");
    }
}

impl Hold {
    /// A request's first line is short, so that it comes in one piece.
    fn holds(&self, bytes: &[u8]) -> bool {
        let is_it =
            bytes.starts_with(self.request.as_bytes()) && self.seen.fetch_add(1, Ordering::Relaxed) + 1 == self.nth;
        if is_it {
            let tell = self.tell.lock().expect("no test panics while it has it");
            tell.send(()).expect("the test waits for it");
        }
        is_it
    }
}

/// Passes bytes on to the end, or until some may not pass: then both ends stay open and silent until the sender goes.
fn pass_on(mut from: TcpStream, mut to: TcpStream, mut may_pass: impl FnMut(&[u8]) -> bool) {
    let mut bytes = [0; 64 << 10];
    let mut is_open = true;
    while let Ok(count) = from.read(&mut bytes) {
        is_open = is_open && may_pass(&bytes[..count]);
        if count == 0 || (is_open && to.write_all(&bytes[..count]).is_err()) {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
