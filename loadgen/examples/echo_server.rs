//! A WebSocket server that sends back what it is sent, to hold several load generators against (`benches/README.md`).
//!
//! `echo_server PORT`: on one thread, at 127.0.0.1, until it is killed; `echo_server PORT stalls`: the same, and it stands
//! still for one second in every six, so that the true 90th percentile of planned sends is 0.40 s.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::exit,
    reason = "a server of its own, with real sockets and real time"
)]

use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

const SERVES_FOR: Duration = Duration::from_secs(5);
const STANDS_STILL_FOR: Duration = Duration::from_secs(1);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (port, stalls) = match &arguments[..] {
        [port] => (port.parse().ok(), false),
        [port, word] if word == "stalls" => (port.parse().ok(), true),
        _ => (None, false),
    };
    let Some(port) = port else {
        eprintln!("how to start it: echo_server PORT [stalls], such as echo_server 9000 stalls");
        std::process::exit(2);
    };
    if let Err(error) = serve(port, stalls) {
        eprintln!("cannot serve on 127.0.0.1:{port}: {error}");
        std::process::exit(5);
    }
}

fn serve(port: u16, stalls: bool) -> std::io::Result<()> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        println!("listening on ws://127.0.0.1:{port}");
        if stalls {
            tokio::spawn(stand_still());
        }
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(echo(stream));
        }
    })
}

/// Everything of this server waits meanwhile, on purpose: it has one thread.
async fn stand_still() {
    loop {
        tokio::time::sleep(SERVES_FOR).await;
        std::thread::sleep(STANDS_STILL_FOR);
    }
}

async fn echo(stream: TcpStream) {
    let config = WebSocketConfig::default().read_buffer_size(4 << 10).write_buffer_size(0);
    // Without it answers wait for others, which is slower, and no less right.
    let _ = stream.set_nodelay(true);
    let Ok(mut socket) = accept_async_with_config(stream, Some(config)).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        let is_data = message.is_text() || message.is_binary();
        if is_data && socket.send(message).await.is_err() {
            return;
        }
    }
}
