//! A server on a free loopback port, and a plain WebSocket client that is not the reference's own.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use crate::loopback::{Loopback, LoopbackStream, surroundings};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rehearsal_reference::identity::{Hs256Identity, Identity};
use rehearsal_reference::network::{Endpoint, Listener, Network};
use rehearsal_reference::server::{ListenerRole, Server, ServerOptions};
use rehearsal_reference::store::MemoryRoomStore;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

pub type Socket = WebSocketStream<LoopbackStream>;

/// A running server; dropped, it shuts down.
pub struct Served {
    /// Where its WebSockets are.
    pub endpoint: Endpoint,
    /// Where its HTTP interface is.
    pub http_endpoint: Endpoint,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<oneshot::Receiver<()>>,
}

/// A room as it was created.
pub struct Room {
    pub room_id: String,
    pub token: String,
}

/// An HTTP answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json", "{}: {}", self.status, self.body);
        serde_json::from_str(&self.body).expect("a JSON answer")
    }
}

impl Served {
    pub async fn start(options: ServerOptions) -> Served {
        Served::start_on(options, &[ListenerRole::Both], Arc::new(Hs256Identity::simulated())).await
    }

    /// On several ports: the first one is used for WebSockets, the last one for HTTP.
    pub async fn start_on(options: ServerOptions, roles: &[ListenerRole], identity: Arc<dyn Identity>) -> Served {
        let surroundings = surroundings();
        let server = Server::new(options, surroundings.clone(), identity, Arc::new(MemoryRoomStore::new()));
        let (mut listeners, mut endpoints) = (Vec::new(), Vec::new());
        for role in roles {
            let listener = Loopback.bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            endpoints.push(Endpoint { host: "127.0.0.1".to_string(), port, tls: false });
            listeners.push((*role, listener));
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let (say_ended, ended) = oneshot::channel();
        let running = async move {
            server.run_on(listeners, async { drop(stopped.await) }).await;
            let _ = say_ended.send(());
        };
        surroundings.spawner.spawn("test: server", Box::pin(running)).detach();
        let (endpoint, http_endpoint) = (endpoints[0].clone(), endpoints[roles.len() - 1].clone());
        Served { endpoint, http_endpoint, stop: Some(stop), ended: Some(ended) }
    }

    /// Tells the server to stop; what is returned ends with it.
    pub fn stop(mut self) -> oneshot::Receiver<()> {
        drop(self.stop.take());
        self.ended.take().expect("it is stopped once")
    }

    pub async fn http(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.http_at(&self.http_endpoint, method, path, headers, body).await
    }

    /// The same on this port.
    pub async fn http_at(
        &self,
        endpoint: &Endpoint,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let stream = Loopback.connect(endpoint).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
        let exchange = async {
            let (head, body) = sender.send_request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            drop(sender);
            Answer { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
        };
        let (answer, _) = tokio::join!(exchange, connection);
        answer
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.http("POST", path, &[("content-type", "application/json")], &body.to_string()).await
    }

    pub async fn sign_in(&self) -> String {
        let answer = self.post("/anonymous-signin", json!({})).await.json();
        answer["id_token"].as_str().unwrap().to_string()
    }

    pub async fn room(&self) -> Room {
        self.room_of(&self.sign_in().await).await
    }

    /// A room of this identity's.
    pub async fn room_of(&self, id_token: &str) -> Room {
        let bearer = format!("bearer {id_token}");
        let answer = self.http("POST", "/create-room", &[("authorization", &bearer)], "").await.json();
        let text = |key: &str| answer[key].as_str().unwrap().to_string();
        Room { room_id: text("room_id"), token: text("token") }
    }

    pub async fn connect(&self) -> Socket {
        let stream = Loopback.connect(&self.endpoint).await.unwrap();
        tokio_tungstenite::client_async("ws://localhost/any/path", stream).await.unwrap().0
    }

    pub async fn registration(&self, room: &Room, peer_id: &str, role: &str, metadata: Value) -> Value {
        json!({ "type": "register", "peer_id": peer_id, "room_id": room.room_id, "token": room.token,
                "id_token": self.sign_in().await, "role": role, "metadata": metadata })
    }

    /// Connects and registers; returns the answer as well.
    pub async fn join(&self, room: &Room, peer_id: &str, role: &str, metadata: Value) -> (Socket, Value) {
        let mut socket = self.connect().await;
        send(&mut socket, self.registration(room, peer_id, role, metadata).await).await;
        let answer = receive(&mut socket).await;
        assert_eq!(answer["type"], "registered_auth", "{answer}");
        (socket, answer)
    }
}

pub async fn send(socket: &mut Socket, message: Value) {
    send_frame(socket, Message::text(message.to_string())).await;
}

pub async fn send_frame(socket: &mut Socket, frame: Message) {
    socket.send(frame).await.unwrap();
}

/// The text of the next message.
pub async fn text_of(socket: &mut Socket) -> String {
    loop {
        match socket.next().await.expect("the connection is open").unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

pub async fn receive(socket: &mut Socket) -> Value {
    serde_json::from_str(&text_of(socket).await).unwrap()
}

/// Reads whatever is left; the code of the close frame, if one came.
pub async fn closed_with(socket: &mut Socket) -> Option<u16> {
    let mut code = None;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(Some(frame)) = message {
            code = Some(frame.code.into());
        }
    }
    code
}
