//! How fast users open connections, with recording and checks on, against a bare WebSocket echo server on loopback. The limit
//! that we set ourselves is 10,000 a second.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark measures real time over real sockets"
)]

mod support;

use futures_util::{SinkExt, StreamExt};
use rehearsal_loadgen::live::startup::supply::Supply;
use rehearsal_loadgen::live::threads;
use support::{Stand, plan};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

const ROUNDS: usize = 3;

fn main() {
    // `cargo test --benches` wants to see that it runs; `cargo bench` wants numbers.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    // Both ends of each connection are files of this process.
    let files = Supply::raised().open_files.unwrap_or(1_024);
    let users = if is_bench { (files / 2 - 200).min(5_000) } else { 50 };
    let mut rates: Vec<f64> = (0..if is_bench { ROUNDS } else { 1 }).map(|_| open(users)).collect();
    rates.sort_by(f64::total_cmp);
    println!("opened, in the median: {:.0} per second", rates[rates.len() / 2]);
}

/// All users begin at time 0, and stay for 2 s more; how many were connected a second until the last one was.
fn open(users: u64) -> f64 {
    let text = format!(
        "format = 1\nabout = \"connects\"\n[time]\nramp = \"0s\"\nwarmup = \"0s\"\nmeasure = \"3s\"\nsettle = \"3s\"\n\
         [users.all]\nrole = \"peer\"\nflow = \"connect\"\ncount = {users}\n[flow.connect]\nsteps = [\"connect\", {{ think = \"2s\" }}]\n"
    );
    let stand = Stand::new(plan(&text), start_server(), Box::new(|_| {}));
    threads::runtime().unwrap().block_on(stand.play());
    let recorded = stand.end();
    let connect = recorded.numbers.operations.iter().find(|operation| operation.name == "connect").unwrap();
    assert_eq!((connect.count, connect.errors), (users, 0));
    let seconds = connect.response.max_ns.unwrap() as f64 / 1e9;
    let rate = users as f64 / seconds;
    println!("{users} connections in {seconds:.3} s: {rate:.0} per second");
    rate
}

/// A bare echo server on a thread of its own, for as long as the process lives.
fn start_server() -> u16 {
    let (tell, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let listener: TcpListener = socket.listen(4_096).unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(async move {
                    let config = WebSocketConfig::default().read_buffer_size(4 << 10).write_buffer_size(0);
                    let Ok(mut socket) = accept_async_with_config(stream, Some(config)).await else { return };
                    while let Some(Ok(message)) = socket.next().await {
                        if message.is_text() && socket.send(message).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
    });
    port.recv().unwrap()
}
