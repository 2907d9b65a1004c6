//! A WebSocket server with one queue: every question, whoever asks, waits until all before it are answered, and then takes the same
//! time. So it serves exactly so many a second, however many ask.

use futures_util::{SinkExt, StreamExt};
use rehearsal_loadgen::live::pacer::Pacer;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

/// A server on a thread of its own, for as long as the process lives.
pub struct QueueServer {
    pub port: u16,
}

struct Queue {
    service: Duration,
    free_at: Mutex<Instant>,
    pacer: Pacer,
}

impl QueueServer {
    pub fn start(service: Duration) -> QueueServer {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let queue = Arc::new(Queue { service, free_at: Mutex::new(Instant::now()), pacer: Pacer::start().unwrap() });
        std::thread::spawn(move || {
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, queue.clone()));
                }
            });
        });
        QueueServer { port }
    }
}

async fn serve(stream: TcpStream, queue: Arc<Queue>) {
    stream.set_nodelay(true).unwrap();
    let Ok(mut socket) = accept_async(stream).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if !message.is_text() {
            continue;
        }
        let answer_at = {
            let mut free_at = queue.free_at.lock().unwrap();
            *free_at = (*free_at).max(Instant::now()) + queue.service;
            *free_at
        };
        queue.pacer.until(answer_at).await;
        if socket.send(Message::text(r#"{"type":"answer"}"#)).await.is_err() {
            return;
        }
    }
}
